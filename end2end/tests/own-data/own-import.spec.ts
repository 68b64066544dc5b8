// A person's archive comes back on the page: merged, copied, instead of what is there; and taken back.

import { existsSync, readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { MEDIA, onPeople, OWN_DATA, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, test, waitForHydration } from "../../fixtures/test.ts";

test.use({ baseURL: url("people"), storageState: session("carol", "people") });

const IMPORT = `${OWN_DATA}/import`;
const USER = "(SELECT id FROM users WHERE email = 'carol@sample.test')";
const count = (table: string) => Number(onPeople(`SELECT count(*) FROM ${table} WHERE user_id = ${USER}`));

async function exportArchive(page: Page) {
  await page.goto(OWN_DATA);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export my data" }).click()]);
  await expect(page.getByRole("heading", { name: /^Complete/ })).toBeVisible();
  return (await download.path())!;
}

async function preview(page: Page, path: string) {
  await page.goto(IMPORT);
  await waitForHydration(page);
  await page.locator("input[type=file]").setInputFiles({ name: "archive.tar.gz", mimeType: "application/gzip", buffer: readFileSync(path) });
  await page.getByRole("button", { name: "Show what it would do" }).click();
  await expect(page.getByTestId("preview")).toBeVisible({ timeout: 20_000 });
}

async function undo(page: Page) {
  await page.getByRole("region", { name: "Imported" }).getByRole("button", { name: "Undo…" }).click();
  await page.getByRole("button", { name: "Undo the import" }).click();
  await expect(page.getByRole("heading", { name: "Undone" })).toBeVisible();
}

test("what was lost comes back, and goes again when the import is undone @smoke", async ({ page }) => {
  const path = await exportArchive(page);
  const notes = count("notes");
  onPeople(`DELETE FROM notes WHERE user_id = ${USER}`);
  await page.goto(OWN_DATA);
  await page.getByRole("link", { name: "Import…" }).click();
  await preview(page, path);
  await expect(page.getByTestId("preview")).toContainText("It was made here, of my own data.");
  await expect(page.getByTestId("effect-merge")).toContainText(`It adds ${notes} records`);
  await page.locator("summary", { hasText: "By kind" }).click();
  await expect(page.getByRole("row", { name: /^notes 0 \d+ 0 0$/ })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: `Import ${notes} records` }).click();
  await expect(page.getByTestId("done")).toContainText(`added ${notes} records`);
  expect(count("notes")).toBe(notes);
  await expectAccessible(page);
  await undo(page);
  expect(count("notes")).toBe(0);
  await preview(page, path);
  await page.getByRole("button", { name: `Import ${notes} records` }).click();
  await expect(page.getByTestId("done")).toBeVisible();
  await preview(page, path);
  await expect(page.getByText("Everything in the archive is here already")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Import \d/ })).toHaveCount(0);
});

test("copies come beside what is there, with files of their own", async ({ page }) => {
  const path = await exportArchive(page);
  const people = count("people");
  await preview(page, path);
  await page.getByLabel("Import as copies").check();
  await page.getByRole("button", { name: /^Import \d+ records$/ }).click();
  await expect(page.getByTestId("done")).toBeVisible();
  expect(count("people")).toBe(2 * people);
  const file = onPeople(`SELECT storage_key FROM media WHERE user_id = ${USER} AND storage_key LIKE 'imports/%' LIMIT 1`);
  expect(existsSync(`${MEDIA}/${file}`)).toBe(true);
  await undo(page);
  expect(count("people")).toBe(people);
  await page.goto(IMPORT);
  await waitForHydration(page);
});

test("a replacement says what it deletes, and needs a word", async ({ page }) => {
  const path = await exportArchive(page);
  const notes = count("notes");
  onPeople(`INSERT INTO notes (id, user_id, body, pinned, created_at, updated_at) VALUES ('only-here', ${USER}, 'Only here', 0, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')`);
  await preview(page, path);
  await page.getByLabel("Replace", { exact: false }).first().check();
  await expect(page.getByTestId("effect-replace")).toContainText("It deletes 1 record");
  await expect(page.getByTestId("replace-warning")).toContainText("This deletes what the archive does not have: 1 record.");
  const button = page.getByRole("button", { name: "Replace", exact: true });
  await expect(button).toBeDisabled();
  await expectAccessible(page);
  await page.getByLabel(/I type the word replace/).fill("replace");
  await button.click();
  await expect(page.getByTestId("done")).toContainText("deleted 1 record");
  expect(count("notes")).toBe(notes);
  await undo(page);
  expect(count("notes")).toBe(notes + 1);
  onPeople("DELETE FROM notes WHERE id = 'only-here'");
  // It is in the list of what can be undone no more.
  await page.goto(IMPORT);
  await expect(page.getByText("Just now")).toHaveCount(0);
});

test("what is no archive is told before anything is sent", async ({ page }) => {
  await page.goto(IMPORT);
  await waitForHydration(page);
  await page.locator("input[type=file]").setInputFiles({ name: "x.tar.gz", mimeType: "application/gzip", buffer: Buffer.from("no archive") });
  await expect(page.getByRole("heading", { name: "Verification failed" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Show what it would do" })).toHaveCount(0);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds no violations on the import page of a person in ${colorScheme}, and it fits 320 px`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    const path = await exportArchive(page);
    await page.setViewportSize({ width: 320, height: 640 });
    await preview(page, path);
    await page.locator("summary", { hasText: "By kind" }).click();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
}
