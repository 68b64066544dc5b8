import { session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, hydrated, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test.use({ baseURL: url("damaged"), storageState: session("admin", "damaged") });

test("a run that fails says at which table and record, what to do, and gives a reference", async ({ page }) => {
  const exporting = new ExportPage(page);
  await exporting.open();
  await hydrated(page);
  await exporting.button.click();
  await expect(exporting.result("Not complete")).toBeVisible();
  const panel = page.getByRole("alert").filter({ hasText: "Not complete" });
  await expect(panel).toContainText(/Stopped at incident_narratives, record \d+: the database is damaged/);
  await expect(panel).toContainText(/Reference [0-9A-Z]{4}-[0-9A-Z]{4}/);
  await expectAccessible(page);
  await page.getByRole("link", { name: "History" }).click();
  await expect(page.locator("tbody tr").first()).toContainText("Failed");
});
