// Importing on the page: check, plan, import, undo.

import { readFileSync } from "node:fs";
import { readVerifiedExport } from "../../fixtures/files.ts";
import { IMPORT, LEAD, onPostgres, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

const NAMES = "SELECT string_agg(name, '|' ORDER BY id) FROM companies";

test.describe("on PostgreSQL", () => {
  test.use({ baseURL: url("postgres"), storageState: session("admin", "postgres") });

  test("what has changed here since the file was made is decided before it is imported", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
    const file = await readVerifiedExport(download);
    const first = "(SELECT min(id) FROM sites)";
    const sites = () => onPostgres("SELECT string_agg(name, '|' ORDER BY id) FROM sites");
    const before = sites();
    onPostgres("UPDATE sites SET name = name || ' moved'");
    onPostgres(`UPDATE sites SET name = 'worked on since', updated_at = 9000000000000 WHERE id = ${first}`);

    await page.goto(IMPORT);
    await waitForHydration(page);
    await page.locator("input[type=file]").setInputFiles(file.path);
    await page.getByLabel("Merge by key").check();
    await page.getByRole("button", { name: "Plan the import" }).click();
    const question = page.getByRole("group", { name: "To decide first" });
    await expect(question).toContainText("1 record of sites changed here since the file was made");
    await expect(page.getByRole("button", { name: /^Import / })).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Changes by kind" })).toContainText("(changed here since the file was made)");
    await expectAccessible(page);

    await question.getByRole("button", { name: "Leave them as they are" }).click();
    await expect(question).toHaveCount(0);
    await expect(page.getByTestId("decided")).toContainText("stay as they are");
    await page.getByText(/^What else to know/).click();
    await expect(page.getByText("1 record of sites changed here since the file was made: they stay as they are")).toBeVisible();
    await page.getByRole("button", { name: /^Import \d+ records?$/ }).click();
    await expect(page.getByTestId("imported")).toBeVisible();
    expect(sites()).toBe(before.replace(/^[^|]*/, "worked on since"));

    // A decision was about what was shown: it is asked for again.
    await expect(page.getByRole("button", { name: "Plan the import" })).toBeEnabled();
    await page.getByRole("button", { name: "Plan the import" }).click();
    await question.getByRole("button", { name: "Replace them" }).click();
    await page.getByRole("button", { name: "Import 1 record", exact: true }).click();
    await expect(page.getByTestId("imported")).toBeVisible();
    expect(sites()).toBe(before);

    // Two tables, and an answer for each.
    const PEOPLE = "SELECT string_agg(first_name, '|' ORDER BY id) FROM participants";
    const people = onPostgres(PEOPLE);
    onPostgres(`UPDATE sites SET name = 'worked on since', updated_at = 9000000000000 WHERE id = ${first}`);
    onPostgres("UPDATE participants SET first_name = 'worked on since', updated_at = 9000000000000 WHERE id = (SELECT min(id) FROM participants)");
    await page.getByRole("button", { name: "Plan the import" }).click();
    await question.getByText("Decide table by table").click();
    await question.getByLabel("participants").selectOption("Replace them");
    await expectAccessible(page);
    await question.getByRole("button", { name: "Plan with these answers" }).click();
    await expect(page.getByTestId("decided")).toContainText("participants, they are replaced; sites, they stay as they are.");
    await page.getByRole("button", { name: "Import 1 record", exact: true }).click();
    await expect(page.getByTestId("imported")).toBeVisible();
    expect(onPostgres(PEOPLE)).toBe(people);
    expect(sites()).toBe(before.replace(/^[^|]*/, "worked on since"));
    onPostgres(`UPDATE sites SET name = '${before.split("|")[0]}' WHERE id = ${first}`);
  });

  test("a file is checked, planned, imported and undone", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
    const file = await readVerifiedExport(download);
    const bytes = readFileSync(file.path);
    const before = onPostgres(NAMES);
    onPostgres("UPDATE companies SET name = name || ' moved'");
    const moved = onPostgres(NAMES);

    await page.goto(IMPORT);
    await waitForHydration(page);
    await expectAccessible(page);
    const sent: string[] = [];
    page.on("request", (request) => { if (request.url().includes("/api/v1/imports")) sent.push(request.url()); });
    const choose = (buffer: Buffer) =>
      page.locator("input[type=file]").setInputFiles({ name: "export.json", mimeType: "application/json", buffer });
    const plan = page.getByRole("button", { name: "Plan the import" });

    await choose(bytes.subarray(0, bytes.length - 100_000));
    await expect(page.getByRole("heading", { name: "Verification failed" })).toBeVisible();
    await expect(plan).toHaveCount(0);
    const unsigned = Buffer.from(bytes.toString("utf8").replace(/,"signature":\{[^}]*\}/, ""));
    await choose(unsigned);
    await expect(plan).toBeDisabled();
    await page.getByLabel("I know where this file is from").check();
    await expect(plan).toBeEnabled();
    expect(sent, "nothing is sent before the plan is asked for").toEqual([]);

    await choose(bytes);
    await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible();
    await plan.click();
    await expect(page.getByRole("alert")).toContainText("This import cannot be done");
    await expect(page.getByRole("alert")).toContainText(/companies has \d+ records already/);
    await page.getByLabel("Merge by key").check();
    await expect(page.getByRole("alert")).toHaveCount(0);
    await plan.click();
    await expect(page.getByTestId("plan")).toHaveText(/^The import changes \d+ records? and leaves [\d,]+ records as they are\.$/);
    await expect(page.getByRole("region", { name: "Changes by kind" })).toContainText(/\d+ × companies: name/);
    await page.getByRole("region", { name: "Changes by kind" }).locator("summary").first().click();
    await expect(page.locator("del").first()).toContainText("moved");
    await page.getByRole("button", { name: "Find", exact: true }).click();
    await expect(page.getByText(/\d+ records? found/)).toBeVisible();
    const [csv] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save its changes as CSV" }).click()]);
    expect(csv.suggestedFilename()).toMatch(/^import-plan-[0-9a-f]{12}\.csv$/);
    const lines = readFileSync(await csv.path(), "utf8").split("\n");
    expect(lines[0]).toBe('"table","key","action","reason","column","before","after"');
    expect(lines[1]).toMatch(/^"companies",".+","update",".+","name",".+ moved",".+"$/);
    await expectAccessible(page);
    expect(onPostgres(NAMES), "a plan writes nothing").toBe(moved);

    // Somebody is quicker.
    onPostgres("UPDATE companies SET name = 'late' WHERE id = (SELECT min(id) FROM companies)");
    const importButton = page.getByRole("button", { name: /^Import \d+ records?$/ });
    await importButton.click();
    await expect(page.getByRole("alert")).toContainText("The database is not what it was when the plan was made: plan again.");
    await plan.click();
    await importButton.click();
    await expect(page.getByTestId("imported")).toHaveText(/^The import changed \d+ records? and left [\d,]+ records as they are in .*\.$/);
    expect(onPostgres(NAMES)).toBe(before);
    await expectAccessible(page);

    await page.getByRole("button", { name: "Undo…", exact: true }).click();
    await expect(page.getByRole("heading", { name: "Undo this import?" })).toBeVisible();
    await page.getByRole("button", { name: "Undo the import" }).click();
    await expect(page.getByTestId("undone")).toHaveText(/^The import is undone: \d+ records? restored\.$/);
    expect(onPostgres(NAMES)).toBe(moved.replace(/^[^|]*/, "late"));
    onPostgres("UPDATE companies SET name = regexp_replace(name, ' moved$', '')");
    await page.goto("/admin/developer-tools/export/history/audit");
    for (const event of [/import.planned/i, /import.completed/i, /import.undone/i]) {
      await expect(page.locator("tbody").getByText(event).first()).toBeVisible();
    }
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`the import page fits 320 px, in ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(IMPORT);
      await waitForHydration(page);
      await expectAccessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    });
  }
});

test("without a database to write to, the page says how to turn imports on", async ({ page }) => {
  await page.goto(IMPORT);
  await expect(page.getByRole("heading", { name: "Imports are off" })).toBeVisible();
  await expectAccessible(page);
});

test.describe("as a team lead", () => {
  test.use({ storageState: session("lead") });

  test("the page is refused", async ({ page }) => {
    const response = await page.goto(IMPORT);
    expect(response?.status()).toBe(403);
    await expect(page.getByRole("heading", { name: "Your role cannot open this page" })).toBeVisible();
    await expect(page.getByText(LEAD)).toBeVisible();
  });
});
