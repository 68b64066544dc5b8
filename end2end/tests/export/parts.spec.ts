// Choosing a part of the database, hydrated.

import { readVerifiedExport } from "../../fixtures/files.ts";
import { EXPORT, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

const count = (text: string | null) => Number((text ?? "").replaceAll(",", ""));

test.describe("on the sample", () => {
  test("a company, one of its sites and tables are chosen, exported and taken away again", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    const whole = count(await exportPage.records.textContent());
    const companies = await exportPage.openFilter("Company");
    await companies.getByRole("checkbox").first().focus();
    await page.keyboard.press("Space");
    await expect(page).toHaveURL(/\?company=[^&]+$/);
    await expect(exportPage.chips).toHaveCount(1);
    await expect(companies.getByRole("checkbox").first(), "the focus stays").toBeFocused();
    await expect(exportPage.button).toHaveText(/^Export [\d,]+ records$/);
    const ofCompany = count(await exportPage.records.textContent());
    expect(ofCompany).toBeLessThan(whole);
    await expect(page.locator(".stats")).toContainText(/% of the database/);
    const sites = await exportPage.openFilter("Site");
    await expect(sites.getByRole("checkbox")).not.toHaveCount(20);
    await sites.getByRole("checkbox").first().check();
    await page.getByRole("checkbox", { name: "incidents", exact: true }).check();
    await expect(page).toHaveURL(/\?company=[^&]+&site=[^&]+&tables=incidents$/);
    await expect(exportPage.chips).toHaveCount(3);
    const shown = count(await exportPage.records.textContent());
    expect(shown).toBeLessThan(ofCompany);
    await page.getByText("Why these records, and what stays outside").click();
    await expect(page.getByText(/incidents: [\d,]+ by /)).toBeVisible();
    await expectAccessible(page);
    const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
    const file = await readVerifiedExport(download);
    expect(file.records).toBe(shown);
    await exportPage.chips.filter({ hasText: "Tables" }).click();
    await expect(page).toHaveURL(/\?company=[^&]+&site=[^&]+$/);
    await expect(page.getByRole("checkbox", { name: "incidents", exact: true })).not.toBeChecked();
    await page.getByRole("link", { name: "Export the full database instead" }).click();
    await expect(page).toHaveURL(new RegExp(`${EXPORT}$`));
    await expect(exportPage.records).toHaveText(whole.toLocaleString("en-US"));
    await page.getByRole("link", { name: "History" }).click();
    await expect(page.locator("tbody tr").first()).toContainText(/company: .*site: .*tables: incidents/);
  });

  test("until the figures are those of the choice, nothing can be exported, also after a failure", async ({ page, consoleErrors }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    const whole = await exportPage.records.textContent();
    let answer: (() => void) | undefined;
    await page.route("**/rpc/preview_export", async (route) => {
      await new Promise<void>((resolve) => { answer = resolve; });
      await route.abort();
    });
    await page.getByRole("checkbox", { name: "sites", exact: true }).check();
    await expect(exportPage.button).toBeDisabled();
    await expect.poll(() => answer).toBeDefined();
    answer?.();
    await expect(page.locator(".toast")).toBeVisible();
    await expect(exportPage.records, "what is shown is not what was chosen").toHaveText(whole ?? "");
    await expect(exportPage.button).toBeDisabled();
    await page.unroute("**/rpc/preview_export");
    await page.getByRole("button", { name: "Refresh" }).click();
    await expect(page).toHaveURL(/\?tables=sites$/);
    await expect(exportPage.button).toBeEnabled();
    await expect(exportPage.button).toHaveText(/^Export [\d,]+ records$/);
    expect(consoleErrors.splice(0).join()).toContain("ERR_FAILED");
  });

  test("the address holds the part: it can be reloaded and shared, and the back button returns to it", async ({ page, context }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    await page.getByRole("checkbox", { name: "sites", exact: true }).check();
    await expect(page).toHaveURL(/\?tables=sites$/);
    const sites = await exportPage.records.textContent();
    await page.getByRole("checkbox", { name: "users", exact: true }).check();
    await expect(page).toHaveURL(/\?tables=sites,users$/);
    const both = await exportPage.records.textContent();
    await page.reload();
    await expect(exportPage.records).toHaveText(both ?? "");
    await expect(page.getByRole("checkbox", { name: "sites", exact: true })).toBeChecked();
    const shared = await context.newPage();
    await shared.goto(page.url());
    await expect(new ExportPage(shared).records).toHaveText(both ?? "");
    await page.goBack();
    await expect(page).toHaveURL(/\?tables=sites$/);
    await expect(exportPage.records).toHaveText(sites ?? "");
    await expect(page.getByRole("checkbox", { name: "users", exact: true })).not.toBeChecked();
  });

  test("a period without incidents has no button, and an impossible one says why", async ({ page, consoleErrors }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    await page.getByLabel("Before").fill("1990-01-01");
    await expect(page.getByRole("heading", { name: "Nothing matches this choice" })).toBeVisible();
    await expect(exportPage.button).toHaveCount(0);
    await expectAccessible(page);
    await page.getByLabel("From").fill("1991-01-01");
    await expect(page.getByRole("alert")).toContainText("ends before it begins");
    await expect(exportPage.button).toHaveCount(0);
    expect(consoleErrors.splice(0).join()).toMatch(/^([^,]*status of 400[^,]*,?)+$/);
    await page.getByLabel("Before").fill("");
    await expect(page).toHaveURL(/\?period=1991-01-01\.\.$/);
    await expect(exportPage.button).toBeVisible();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds no violations on a part, with its lists open, and on one that does not exist, in ${colorScheme}`, async ({ page, consoleErrors }) => {
      await page.emulateMedia({ colorScheme });
      const exportPage = new ExportPage(page);
      await exportPage.open("?tables=incidents,sites&period=2020-01-01..");
      await waitForHydration(page);
      await exportPage.openFilter("Company");
      await expectAccessible(page);
      await page.setViewportSize({ width: 320, height: 640 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      await page.goto(`${EXPORT}?company=Nobody`);
      await waitForHydration(page);
      await expect(page.getByRole("alert")).toContainText("no record has the key or the name `Nobody`");
      await expectAccessible(page);
      expect(consoleErrors.splice(0).join()).toMatch(/^([^,]*status of 400[^,]*,?)+$/);
    });
  }
});

test.describe("with 10,000 companies", () => {
  test.use({ baseURL: url("companies"), storageState: session("admin", "companies") });

  test("a company is found among 10,000 by typing, whatever it is called", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    const companies = await exportPage.openFilter("Company");
    await expect(companies.getByText("and 9,980 more: type to search")).toBeVisible();
    await companies.getByRole("searchbox").pressSequentially("<script>");
    await expect(companies.getByRole("checkbox")).toHaveCount(1);
    await companies.getByRole("checkbox").check();
    await expect(exportPage.chips).toContainText("<script>document.title = 'owned'</script>");
    await companies.getByRole("searchbox").fill("o'brien \"&");
    await expect(companies.getByRole("checkbox")).toHaveCount(2);
    await companies.getByRole("checkbox").last().check();
    await expect(exportPage.chips).toHaveCount(2);
    for (const [search, shown] of [["evil", "\\u202eevil"], ["LLLLL", "L".repeat(300)]]) {
      await companies.getByRole("searchbox").fill(search);
      await expect(companies.locator("label", { hasText: shown })).toBeVisible();
    }
    expect(await page.title()).toBe("Database export · Waybill");
    await page.setViewportSize({ width: 320, height: 640 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await companies.getByRole("searchbox").fill("no such company");
    await expect(companies.getByRole("checkbox")).toHaveCount(2);
  });
});

test.describe("without a profile", () => {
  test.use({ baseURL: url("profileless"), storageState: session("admin", "profileless") });

  test("there are the check boxes of the tables, and no filters", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    await expect(page.locator(".choice")).toHaveCount(0);
    await page.getByRole("checkbox", { name: "customers", exact: true }).check();
    await expect(page).toHaveURL(/\?tables=customers$/);
    await expect(exportPage.button).toHaveText(/^Export [\d,]+ records?$/);
  });
});
