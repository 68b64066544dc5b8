import { execFileSync } from "node:child_process";
import { OWN_DATA, session, url } from "../../fixtures/servers.ts";
import { expect, test } from "../../fixtures/test.ts";

test.use({ baseURL: url("people"), storageState: session("carol", "people") });

test("without JavaScript the button leads to the archive", async ({ page }) => {
  await page.goto(OWN_DATA);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export my data" }).click(),
  ]);
  const names = execFileSync("tar", ["tzf", await download.path()], { encoding: "utf8" });
  expect(names).toContain("people.yaml");
});
