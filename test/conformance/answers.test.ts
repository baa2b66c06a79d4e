import { kms } from "../../local/aws/kms.ts";
import { s3 } from "../../local/aws/s3.ts";
import { secretsManager } from "../../local/aws/secrets-manager.ts";
import { startCloud } from "../../local/aws/server.ts";
import { answerOf } from "./answers.ts";
import { connect, disconnect } from "./harness.ts";

const place = { region: "eu-west-1", account: "111122223333" };
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

test("an endpoint is asked which services it lacks, and whether anything answers at all", async () => {
  const cloud = await startCloud({
    services: [secretsManager(place), kms(place), s3()],
    onDefect: (error) => {
      throw error;
    },
  });
  const clients = connect({ endpoint: cloud.url, region: place.region, credentials });
  try {
    expect(await answerOf("secretsManager", clients)).toBe("served");
    expect(await answerOf("kms", clients)).toBe("served");
    expect(await answerOf("sfn", clients)).toBe("lacking");
    expect(await answerOf("eventBridge", clients)).toBe("lacking");
  } finally {
    disconnect(clients);
    await cloud.close();
  }

  const late = connect({ endpoint: cloud.url, region: place.region, credentials });
  expect(await answerOf("secretsManager", late)).toBe("silent");
  disconnect(late);
});
