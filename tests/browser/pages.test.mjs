import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { HOSTILE, PASSPHRASE, openHouse } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const PAGES = ['/', '/cards', '/consent', '/rules', '/wishes', '/receipts', '/answers', '/feedback', '/mandates', '/journal', '/kit', '/kit/proof', '/keys', '/backup'];

let house;
let browser;
let opened; // cookies of an open session

before(async () => {
  house = await openHouse();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
}, { timeout: 900_000 });

after(async () => {
  await browser?.close();
  await house?.close();
});

/** A page that fails the test on any complaint of the browser and any request to elsewhere. */
async function visit(options, story) {
  const context = await browser.newContext({ viewport: PHONE, locale: 'fr-FR', ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${house.address}/`)) complaints.push(request.url());
  });
  page.on('requestfailed', (request) => {
    // The browser drops the icon it was fetching when the page is left; that is no complaint.
    const { errorText } = request.failure();
    if (errorText !== 'net::ERR_ABORTED') complaints.push(`${errorText}: ${request.url()}`);
  });
  try {
    await story(page, context);
  } finally {
    await context.close();
  }
  assert.deepEqual(complaints, []);
}

const open = (options, story) => visit({ storageState: opened, ...options }, story);

test('a keyboard and the passphrase open the besace', async () => {
  await visit({}, async (page, context) => {
    await page.goto(`${house.address}/cards`);
    assert.equal(new URL(page.url()).pathname, '/unlock');
    assert.match(await page.textContent('main'), /Votre besace est fermée à clé/);
    await page.keyboard.type(PASSPHRASE);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${house.address}/`);
    opened = await context.storageState();
    const [session] = opened.cookies.filter((cookie) => cookie.name.startsWith('besace_session'));
    assert.equal(session.httpOnly, true);
    assert.equal(session.sameSite, 'Strict');
    // The first stop of the tab key leads past the navigation, and every stop can be seen.
    await page.keyboard.press('Tab');
    assert.match(await page.evaluate(() => document.activeElement.className), /skip/);
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
  });
});

test('a wrong passphrase is told to a screen reader and opens nothing', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${house.address}/unlock`);
  await page.fill('#passphrase', 'wrong');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert]');
  assert.equal(await page.getAttribute('#passphrase', 'aria-invalid'), 'true');
  assert.equal((await context.cookies()).length, 0);
  await context.close();
});

/** The page is in the right language, no wider than the screen, and without a fault that axe finds. */
async function check(page, path, { locale, viewport, colorScheme }) {
  const what = `${path} ${locale} ${viewport.width} ${colorScheme}`;
  const response = await page.goto(`${house.address}${path}`);
  assert.equal(response.status(), 200, what);
  assert.equal(new URL(page.url()).pathname, path, what);
  assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), what);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= viewport.width, `${what} is ${width} wide`);
  await page.evaluate(AXE);
  const found = await page.evaluate(() => axe.run(document));
  assert.ok(found.passes.some((rule) => rule.id === 'color-contrast'), what);
  const faults = found.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`);
  assert.deepEqual(faults, [], what);
}

test('every page is clean in both languages, on phone and desk, by day and by night', async () => {
  for (const locale of ['fr-FR', 'en-GB']) {
    for (const viewport of [PHONE, DESK]) {
      for (const colorScheme of ['light', 'dark']) {
        const options = { locale, viewport, colorScheme };
        await open(options, async (page) => {
          await page.goto(`${house.address}/cards`);
          const card = await page.getAttribute('.wallet a', 'href');
          for (const path of [...PAGES, card]) await check(page, path, options);
        });
        await visit(options, (page) => check(page, '/unlock', options));
      }
    }
  }
});

test('without scripts everything is there', async () => {
  await open({ javaScriptEnabled: false }, async (page) => {
    for (const path of PAGES) await page.goto(`${house.address}${path}`);
    await page.goto(house.address);
    await page.click('.tools button[lang=en]');
    assert.match(await page.textContent('h1'), /Today/);
  });
});

test('Today says what she gets, what it costs and why; a hostile text is only a text', async () => {
  await open({}, async (page) => {
    await page.goto(house.address);
    const first = await page.textContent('.offer');
    assert.match(first, /79,90\u00a0€ au lieu de 99\u00a0€/);
    assert.match(first, /Chaussures de marche Sentier/);
    assert.match(first, /Vous cherchez des chaussures de marche/);
    assert.ok((await page.textContent('.offers')).includes(HOSTILE));
    assert.match(await page.title(), /^Aujourd’hui/);
    assert.equal(await page.locator('main img, main script').count(), 0);
  });
});

test('a card is large, bright and named for who does not see it', async () => {
  await open({ colorScheme: 'dark' }, async (page) => {
    await page.goto(`${house.address}/cards`);
    await page.click('text=Maison Lumen');
    const code = page.locator('.code svg[role=img]');
    assert.match(await code.getAttribute('aria-label'), /EAN-13.*Maison Lumen/);
    assert.ok((await code.boundingBox()).width >= 300);
    const background = await page
      .locator('.code')
      .evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.equal(background, 'rgb(255, 255, 255)');
    assert.match(await page.textContent('figcaption'), /3086126100012/);
    await page.goto(`${house.address}/cards`);
    await page.click('text=Grand Bazar');
    assert.equal(await page.locator('.code svg').count(), 0, 'no code rather than a wrong one');
    assert.match(await page.textContent('.till'), /3086126100013/);
  });
});

/** What makes one button weigh more than another. */
/** What she has to do in `story`, which begins at her page of today: taps, keys, fields filled in, pages seen. */
async function gestures(page, story) {
  await page.goto(house.address);
  const done = { taps: 0, keys: 0, fields: 0, pages: 0 };
  const kinds = { pointerdown: 'taps', keydown: 'keys', input: 'fields' };
  await page.exposeFunction('gesture', (kind) => { done[kinds[kind]] += 1; });
  const listen = (names) => {
    for (const name of names) document.addEventListener(name, () => window.gesture(name), true);
  };
  await page.addInitScript(listen, Object.keys(kinds));
  await page.evaluate(listen, Object.keys(kinds));
  page.on('framenavigated', () => { done.pages += 1; });
  await story();
  return done;
}

let giving; // what saying yes took

const weight = (button) =>
  button.evaluate((element) => {
    const { width, height, top } = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const seen = ['color', 'backgroundColor', 'borderColor', 'borderWidth', 'fontSize', 'fontWeight'];
    return { width, height, top, ...Object.fromEntries(seen.map((name) => [name, style[name]])) };
  });

test('yes and no weigh the same, and stopping takes the one tap that giving took', async () => {
  for (const viewport of [DESK, PHONE]) {
    await open({ viewport }, async (page) => {
      await page.goto(`${house.address}/consent`);
      for (const request of await page.locator('.request').all()) {
        const [yes, no] = await request.locator('.answers button').all();
        assert.deepEqual(await weight(yes), await weight(no));
        const box = await yes.boundingBox();
        assert.ok(box.height >= 44 && box.width >= 44);
      }
    });
  }
  await open({}, async (page) => {
    const asks = page.locator('.request').filter({ hasText: 'savoir quand vous entrez' });
    const grant = page.locator('.grant');
    giving = await gestures(page, async () => {
      await page.click('nav a[href="/consent"]');
      assert.match(
        await asks.textContent(),
        /jusqu’au .*En échange\u00a0: 5\u00a0€ par mois\. Si vous dites non, vos points restent/,
      );
      // By keyboard alone: focus the answer and press it.
      await asks.locator('button', { hasText: 'Oui' }).focus();
      await page.keyboard.press('Enter');
      await grant.waitFor();
    });
    assert.deepEqual([giving.taps, giving.keys, giving.fields], [1, 1, 0]);
    assert.match(await grant.textContent(), /le moment où vous entrez.*5\u00a0€ par mois/s);
    assert.equal(await grant.getByText('n’a pas encore signé').count(), 0);
    assert.deepEqual(
      (({ height, borderWidth, color }) => [height, borderWidth, color])(
        await weight(grant.locator('button')),
      ),
      (({ height, borderWidth, color }) => [height, borderWidth, color])(
        await weight(page.locator('.request button').first()),
      ),
    );
    await page.goto(`${house.address}/journal`);
    assert.match(await page.textContent('.journal'), /Parti.*un accord/s);
  });
});

test('a no is a no, and a stop holds even when the shop does not answer', async () => {
  await house.closeShop();
  await open({}, async (page) => {
    await page.goto(`${house.address}/consent`);
    await page.locator('.request button', { hasText: 'Non' }).click();
    await page.waitForURL(/consent#request_/);
    assert.match(await page.textContent('.ended'), /C’est non, et c’est entendu/);
    assert.equal(await page.locator('.request').count(), 0);
    const stopping = await gestures(page, async () => {
      await page.click('nav a[href="/consent"]');
      await page.locator('.grant button').focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(/consent#grant_/);
    });
    assert.match(await page.textContent('.ended'), /Maison Lumen ne répond pas\. Pour vous, c’est arrêté/);
    for (const kind of Object.keys(giving)) {
      assert.ok(stopping[kind] <= giving[kind], `${kind}: ${stopping[kind]} to stop, ${giving[kind]} to give`);
    }
    assert.equal(await page.locator('.grant').count(), 0);
  });
});

test('locking closes every page in every browser', async () => {
  await open({}, async (page) => {
    await page.goto(house.address);
    await page.click('.tools form[action="/lock"] button');
    await page.waitForURL(`${house.address}/unlock`);
    for (const path of PAGES) {
      await page.goto(`${house.address}${path}`);
      assert.equal(new URL(page.url()).pathname, '/unlock', path);
    }
  });
});
