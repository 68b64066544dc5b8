import { execFileSync } from "node:child_process";
import { defineConfig, devices } from "@playwright/test";
import { session, url, webServers } from "./fixtures/servers.ts";

const chromium = {
  ...devices["Desktop Chrome"],
  launchOptions: {
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  },
};

const firefoxPath = "/usr/lib/firefox-esr/firefox-esr";
/** Playwright asks Firefox for `network.addDataCollector` (WebDriver BiDi), which older ones do not know. */
const OLDEST_FIREFOX = 143;
const firefoxVersion = Number(/(\d+)\./.exec(execFileSync(firefoxPath, ["--version"], { encoding: "utf8" }))?.[1]);
const isFirefoxUsable = firefoxVersion >= OLDEST_FIREFOX;
if (!isFirefoxUsable && process.env.TEST_WORKER_INDEX === undefined) {
  console.warn(`Firefox ${firefoxVersion} is too old for Playwright: the smoke tests in Firefox are NOT run (${OLDEST_FIREFOX} or newer).`);
}

const firefox = {
  name: "firefox",
  dependencies: ["sign in"],
  grep: /@smoke/,
  use: {
    ...devices["Desktop Firefox"],
    channel: "moz-firefox",
    launchOptions: { executablePath: firefoxPath },
  },
};

export default defineConfig({
  testDir: "tests",
  // Sized for two cores: one browser at a time beside the servers.
  workers: 1,
  forbidOnly: !!process.env.CI,
  timeout: 40_000,
  maxFailures: 12,
  reporter: [["list"]],
  use: { baseURL: url("normal"), storageState: session("admin") },
  webServer: webServers(),
  projects: [
    { name: "sign in", testMatch: /sign-in\.setup\.ts/, use: { ...chromium, storageState: { cookies: [], origins: [] } } },
    // Before the other tests: what their servers and files leave in memory lowers the scores of a page on two cores.
    { name: "quality", dependencies: ["sign in"], testMatch: /quality\//, use: chromium },
    { name: "chromium", dependencies: ["sign in"], testIgnore: /(without-javascript|setup|quality\/)/, use: chromium },
    {
      name: "without javascript",
      dependencies: ["sign in"],
      testMatch: /without-javascript/,
      use: { ...chromium, javaScriptEnabled: false },
    },
    ...(isFirefoxUsable ? [firefox] : []),
  ],
});
