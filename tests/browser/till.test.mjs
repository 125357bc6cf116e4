import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { PASSPHRASE, openHouse } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const SHOTS = process.env.BESACE_SHOTS; // a folder for pictures, to look at

let house;
let browser;
let opened;

before(async () => {
  house = await openHouse({ till: true });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${house.address}/unlock`);
  await page.fill('#passphrase', PASSPHRASE);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${house.address}/`);
  opened = await context.storageState();
  await context.close();
}, { timeout: 900_000 });

after(async () => {
  await browser?.close();
  await house?.close();
});

/** A page of the open besace; any complaint of the browser fails the test. */
async function open(options, story) {
  const context = await browser.newContext({
    viewport: PHONE,
    locale: 'fr-FR',
    storageState: opened,
    ...options,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // A refusal is a page with status 400, which the browser notes.
    const noted = /status of 400/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !noted) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${house.address}/`)) complaints.push(request.url());
  });
  try {
    await story(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(complaints, []);
}

const challenge = async (minor) => {
  const asked = await house.till('/v1/till/challenges', { amount: { currency: 'EUR', minor } });
  assert.equal(asked.status, 200);
  return asked.body.text;
};

/** She pastes what the till shows. */
async function paste(page, text) {
  await page.goto(`${house.address}/till`);
  await page.fill('#scanned', text);
  await page.click('form[action="/till/question"] button');
}

async function check(page, name, { locale, viewport, colorScheme }) {
  const what = `${name} ${locale} ${viewport.width} ${colorScheme}`;
  assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), what);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= viewport.width, `${what} is ${width} wide`);
  if (SHOTS) {
    const path = `${SHOTS}/${name}-${locale.slice(0, 2)}-${viewport.width}-${colorScheme}.png`;
    await page.screenshot({ path, fullPage: true });
  }
  await page.evaluate(AXE);
  // The code changes every thirty seconds (WCAG 2.2, 2.2.1: essential), so the page renews itself.
  const rules = { 'meta-refresh': { enabled: false } };
  const found = await page.evaluate((options) => axe.run(document, options), { rules });
  const faults = found.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`);
  assert.deepEqual(faults, [], what);
}

test('every page of the till is clean in both languages, on phone and desk, by day and night', async () => {
  for (const locale of ['fr-FR', 'en-GB']) {
    for (const viewport of [PHONE, DESK]) {
      for (const colorScheme of ['light', 'dark']) {
        const options = { locale, viewport, colorScheme };
        await open(options, async (page) => {
          await page.goto(`${house.address}/till`);
          await check(page, 'till', options);
          await page.click('.wallet a');
          await check(page, 'till-shown', options);
          await page.click('a[href$="/codes"]');
          await check(page, 'till-codes', options);
          await paste(page, 'NOT A CODE');
          await check(page, 'till-refused', options);
          await paste(page, await challenge(500));
          await check(page, 'till-question', options);
          await page.click('form[action="/till/answer"] button');
          await check(page, 'till-answered', options);
        });
      }
    }
  }
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
    const settled = await house.till('/v1/till/answers', { scanned });
    assert.equal(settled.status, 200);
    assert.deepEqual(settled.body.amount, { currency: 'EUR', minor: 1234 });
    const again = await house.till('/v1/till/answers', { scanned });
    assert.equal(again.body.key, 'already_settled');
    await page.goto(`${house.address}/journal`);
    assert.match(await page.textContent('.journal'), /un montant signé à la caisse/);
  });
});

test('the code of the shop changes by itself, counts once, and its codes can be typed', async () => {
  await open({ javaScriptEnabled: false }, async (page) => {
    await page.goto(`${house.address}/cards`);
    await page.click('a[href="/till"]');
    await page.click('.wallet a');
    const refresh = await page.getAttribute('meta[http-equiv=refresh]', 'content');
    assert.ok(Number(refresh) >= 1 && Number(refresh) <= 31, refresh);
    const scanned = await page.locator('.exact').textContent();
    const settled = await house.till('/v1/till/presentations', { scanned });
    assert.equal(settled.body.settled, 'identified');
    const again = await house.till('/v1/till/presentations', { scanned });
    assert.equal(again.status, 409);
    await page.click('a[href$="/codes"]');
    const codes = await page.locator('.codes li').allTextContents();
    assert.equal(codes.length, 4);
    const typed = await house.till('/v1/till/codes', { code: codes[3] });
    assert.equal(typed.body.settled, 'identified');
  });
});
