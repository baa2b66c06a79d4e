// Uses a key for each line of its input, over whatever rotation comes between: run beside `rekey agent`.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

var client = &http.Client{Timeout: 10 * time.Second}

func env(name, fallback string) string {
	if text := os.Getenv(name); text != "" {
		return text
	}
	return fallback
}

// call asks the agent. The token is read each time: it is another one after the host was started again.
func call(method, path string, body, answer any) error {
	token, err := os.ReadFile(env("REKEY_TOKEN_FILE", "/run/rekey/token"))
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "http://127.0.0.1:"+env("REKEY_HTTP_PORT", "2773")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("X-Aws-Parameters-Secrets-Token", string(token))
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent answered %d", response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

type key struct{ version, text string }

func currentKey(secret string) (key, error) {
	var found struct{ VersionId, SecretString string }
	err := call("GET", "/secretsmanager/get?secretId="+url.QueryEscape(secret), nil, &found)
	return key{found.VersionId, found.SecretString}, err
}

// outcome tells whether the provider took the key; true if there is another one now.
func outcome(secret string, used key, ok bool) (bool, error) {
	var answer struct{ Changed bool }
	body := map[string]any{"secretId": secret, "versionId": used.version, "ok": ok}
	err := call("POST", "/rekey/outcome", body, &answer)
	return answer.Changed, err
}

func listModels(secret string) (string, string, error) {
	for attempt := 1; ; attempt++ {
		used, err := currentKey(secret)
		if err != nil {
			return "", "", err
		}
		request, err := http.NewRequest("GET", env("OPENAI_BASE_URL", "https://api.openai.com/v1")+"/models", nil)
		if err != nil {
			return "", "", err
		}
		request.Header.Set("Authorization", "Bearer "+used.text)
		response, err := client.Do(request)
		if err != nil {
			return "", "", err
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return "", "", err
		}
		refused := response.StatusCode == http.StatusUnauthorized
		changed, err := outcome(secret, used, !refused)
		if err != nil {
			return "", "", err
		}
		// A refused key is replaced at once if there is another one: then once more with that.
		if refused && changed && attempt == 1 {
			continue
		}
		if response.StatusCode != http.StatusOK {
			return "", "", errors.New(response.Status)
		}
		return string(text), used.version, nil
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		text, version, err := listModels(os.Getenv("OPENAI_SECRET"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(text, version)
	}
}
