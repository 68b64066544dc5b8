import { execFileSync } from "node:child_process";
import { readVerifiedExport } from "../../fixtures/files.ts";
import { PROGRAM, session, url } from "../../fixtures/servers.ts";
import { expect, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test("without JavaScript the page shows its numbers, and the button exports a file with the same count", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  const shown = await exportPage.records.textContent();
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const file = await readVerifiedExport(download);
  expect(file.records.toLocaleString("en-US")).toBe(shown);
  await page.goto("/admin/developer-tools/export");
  await expect(exportPage.digest).toHaveText(file.sha256);
  await expect(page.getByRole("button", { name: "Copy" })).toHaveCount(0);
});

test("without JavaScript the guide opens, the theme changes, and the verify page names the command to use instead", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await page.getByText("How to analyse the file").click();
  await expect(page.getByRole("heading", { name: "Prompts", exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.goto("/admin/developer-tools/export/verify");
  // Text selectors skip the content of `noscript`, visible or not.
  const hint = page.locator("noscript .form-error");
  await expect(hint).toBeVisible();
  await expect(hint).toContainText("On the command line: waybill verify FILE");
});

test("without JavaScript the run's page reloads until the file is ready", async ({ browser }) => {
  const state = { baseURL: url("large"), storageState: session("admin", "large"), javaScriptEnabled: false };
  const context = await browser.newContext(state);
  const page = await context.newPage();
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await exportPage.button.click();
  await expect(page.getByRole("heading", { name: /Exporting|Counting/ })).toBeVisible();
  const download = await page.waitForEvent("download");
  const verdict = execFileSync(PROGRAM, ["verify", await download.path()]).toString();
  expect(verdict).toMatch(/^(unaltered|complete): /);
  await context.close();
});
