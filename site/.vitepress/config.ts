import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type DefaultTheme, defineConfig } from "vitepress";
import { docs, placeOutside, repository, type Section, sections } from "../pages.ts";

function titleOf(page: string): string {
  return /^# (.+)$/m.exec(readFileSync(`${docs}${page}`, "utf8"))?.[1] ?? basename(page, ".md");
}

function sidebarOf({ text, pages }: Section): DefaultTheme.SidebarItem {
  return {
    text,
    collapsed: pages.length > 12,
    items: pages.map((page) => ({ text: titleOf(page), link: `/${page.replace(/(README)?\.md$/, "")}` })),
  };
}

export default defineConfig({
  title: "Rekey",
  description: "Rotates API keys without an outage, and proves it",
  srcDir: docs,
  outDir: fileURLToPath(new URL("../../dist/site/", import.meta.url)),
  cleanUrls: true,
  rewrites: { "README.md": "index.md", ":folder/README.md": ":folder/index.md" },
  markdown: {
    config(md) {
      // A page is text: what looks like one of Vue's expressions stays as it is written.
      for (const rule of ["text", "code_inline"]) {
        const render = md.renderer.rules[rule];
        md.renderer.rules[rule] = (...given) => (render?.(...given) ?? "").replaceAll("{{", "&#123;&#123;");
      }
      md.core.ruler.push("outside", ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === "link_open" ? token.attrGet("href") : undefined;
          const place = href && placeOutside(href, String(env.relativePath));
          if (place) token.attrSet("href", place);
        }
      });
    },
  },
  // docs/ is beside this package, where Node does not look for Vue.
  vite: {
    resolve: {
      alias: [
        {
          find: /^vue\/server-renderer$/,
          replacement: fileURLToPath(import.meta.resolve("vue/server-renderer")),
        },
        {
          find: /^vue$/,
          replacement: fileURLToPath(import.meta.resolve("vue/dist/vue.runtime.esm-bundler.js")),
        },
      ],
    },
  },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      { text: "Ten minutes", link: "/start" },
      { text: "Runbooks", link: "/runbooks/" },
      { text: "Repository", link: repository },
    ],
    sidebar: sections.map(sidebarOf),
    outline: [2, 3],
  },
});
