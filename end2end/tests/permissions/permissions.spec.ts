import { ADMIN, EXPORT, PASSWORD, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";

test.describe("a team lead", () => {
  test.use({ storageState: session("lead") });

  test("sees which role is required, with status 403", async ({ page }) => {
    const response = await page.goto(EXPORT);
    expect(response?.status()).toBe(403);
    await expect(page.getByText("This page needs the role System admin. You are signed in as Team lead.")).toBeVisible();
    await expectAccessible(page);
    await page.goto("/admin");
    await expect(page.getByRole("heading", { name: "No tools for this role" })).toBeVisible();
    await expectAccessible(page);
  });
});

test.describe("an anonymous visitor", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("signs in and returns to the requested page", async ({ page }) => {
    await page.goto(EXPORT);
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.getByLabel("E-mail address").fill(ADMIN);
    await page.getByLabel("Password").fill("guess");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert")).toHaveText("Name or password is wrong.");
    await expectAccessible(page);
    await page.getByLabel("E-mail address").fill(ADMIN);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`${EXPORT}$`));
  });

  test("sees no data with the Back button after signing out", async ({ page }) => {
    // On a separate server: signing out would end the sessions of the other tests, too.
    await page.goto(`${url("empty")}/login`);
    await page.getByLabel("E-mail address").fill(ADMIN);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.goto(url("empty") + EXPORT);
    await waitForHydration(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await expect(page.getByText("clarification_answers")).toHaveCount(0);
  });
});
