import { readFileSync } from "node:fs";
import { ORGANIZATION_EXPORT, session, url } from "../../fixtures/servers.ts";
import { expect, test } from "../../fixtures/test.ts";

test.use({ baseURL: url("chat"), storageState: session("two.owners", "chat") });

test("without JavaScript an owner chooses an organisation, and its button leads to the file", async ({ page }) => {
  await page.goto(ORGANIZATION_EXPORT);
  await page.getByRole("main").locator("ul.tools a").first().click();
  await expect(page.getByText(/direct messages of \d+ people/)).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export this organisation" }).click(),
  ]);
  const document = JSON.parse(readFileSync(await download.path(), "utf8"));
  expect(Object.keys(document)).toEqual(expect.arrayContaining(["organization", "channels", "directMessages", "waybill"]));
});
