import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { FOLDER, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test.use({ baseURL: url("damaged"), storageState: session("admin", "damaged") });

test("a failed run names the table and the record, says what to do, and gives a reference", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await exportPage.button.click();
  await expect(exportPage.result("Export failed")).toBeVisible();
  const panel = page.getByRole("alert").filter({ hasText: "Export failed" });
  await expect(panel).toContainText(/Stopped at incident_narratives, record \d+: the database is damaged/);
  await expect(panel).toContainText(/Reference [0-9A-Z]{4}-[0-9A-Z]{4}/);
  await expectAccessible(page);
  await page.getByRole("link", { name: "History" }).click();
  await expect(page.locator("tbody tr").first()).toContainText("Failed");
});

test("a database that is not the application's says which table is missing, and the page recovers", async ({ page }) => {
  const rename = (from: string, to: string) => {
    const script = `import sqlite3; sqlite3.connect("${join(FOLDER, "damaged.db")}").execute("ALTER TABLE ${from} RENAME TO ${to}")`;
    execFileSync("python3", ["-c", script]);
  };
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  rename("incidents", "gone");
  // A refresh within a second of the last preview returns the same preview.
  await page.waitForTimeout(1_100);
  await page.getByRole("button", { name: "Refresh" }).click();
  await expect(page.getByRole("alert")).toContainText("The database cannot be read");
  await expect(page.getByRole("alert")).toContainText("a table is missing: incidents");
  await waitForHydration(page);
  await expectAccessible(page);
  rename("gone", "incidents");
  await page.getByRole("link", { name: "Try again" }).click();
  await expect(exportPage.button).toBeVisible();
});
