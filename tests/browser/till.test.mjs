import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check, eachManner, openedHouse } from './opened.mjs';

const at = openedHouse({ till: true });
const { open } = at;

const challenge = async (minor) => {
  const asked = await at.house.till('/v1/till/challenges', { amount: { currency: 'EUR', minor } });
  assert.equal(asked.status, 200);
  return asked.body.text;
};

/** She pastes what the till shows. */
async function paste(page, text) {
  await page.goto(`${at.house.address}/till`);
  await page.fill('#scanned', text);
  await page.click('form[action="/till/question"] button');
}

// The code changes every thirty seconds (WCAG 2.2, 2.2.1: essential), so the page renews itself.
const RULES = { 'meta-refresh': { enabled: false } };

test('every page of the till is clean in both languages, on phone and desk, by day and night', async () => {
  await eachManner(async (manner) => {
    await open(manner, async (page) => {
      const look = (name) => check(page, name, manner, RULES);
      await page.goto(`${at.house.address}/till`);
      await look('till');
      await page.click('.wallet a');
      await look('till-shown');
      await page.click('a[href$="/codes"]');
      await look('till-codes');
      await paste(page, 'NOT A CODE');
      await look('till-refused');
      await paste(page, await challenge(500));
      await look('till-question');
      await page.click('form[action="/till/answer"] button');
      await look('till-answered');
    });
  });
});

test('she reads shop and amount, yes and no weigh the same, and only a yes shows the debit', async () => {
  await open({ javaScriptEnabled: false }, async (page) => {
    const asked = await challenge(1234);
    await paste(page, asked);
    const question = await page.textContent('main');
    assert.match(question, /Maison Lumen, à Lyon, demande 12,34\u00a0€/);
    assert.equal(await page.locator('svg[role=img]').count(), 0, 'nothing is shown before the gesture');
    const [yes, no] = await page.locator('.answers button').all();
    const [one, other] = [await yes.boundingBox(), await no.boundingBox()];
    assert.deepEqual([one.width, one.height, one.y], [other.width, other.height, other.y]);
    assert.ok(one.height >= 44 && one.width >= 44);
    await no.click();
    await page.waitForURL(/\/till\?*$/);
    // The same question again, with another answer.
    await paste(page, asked);
    await page.locator('.answers button').first().click();
    assert.ok((await page.locator('.code svg').boundingBox()).width >= 300);
    const scanned = await page.locator('.exact').textContent();
    assert.equal(scanned.length, 140);
    const settled = await at.house.till('/v1/till/answers', { scanned });
    assert.equal(settled.status, 200);
    assert.deepEqual(settled.body.amount, { currency: 'EUR', minor: 1234 });
    const again = await at.house.till('/v1/till/answers', { scanned });
    assert.equal(again.body.key, 'already_settled');
    await page.goto(`${at.house.address}/journal`);
    assert.match(await page.textContent('.journal'), /un montant signé à la caisse/);
  });
});

test('the code of the shop changes by itself, counts once, and its codes can be typed', async () => {
  await open({ javaScriptEnabled: false }, async (page) => {
    await page.goto(`${at.house.address}/cards`);
    await page.click('a[href="/till"]');
    await page.click('.wallet a');
    const refresh = await page.getAttribute('meta[http-equiv=refresh]', 'content');
    assert.ok(Number(refresh) >= 1 && Number(refresh) <= 31, refresh);
    const scanned = await page.locator('.exact').textContent();
    const settled = await at.house.till('/v1/till/presentations', { scanned });
    assert.equal(settled.body.settled, 'identified');
    const again = await at.house.till('/v1/till/presentations', { scanned });
    assert.equal(again.status, 409);
    await page.click('a[href$="/codes"]');
    const codes = await page.locator('.codes li').allTextContents();
    assert.equal(codes.length, 4);
    const typed = await at.house.till('/v1/till/codes', { code: codes[3] });
    assert.equal(typed.body.settled, 'identified');
  });
});
