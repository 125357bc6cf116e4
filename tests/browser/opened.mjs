// An open besace in a browser, and how its pages are looked at.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';

import { chromium } from 'playwright-core';

import { PASSPHRASE, openHouse } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const SHOTS = process.env.BESACE_SHOTS; // a folder for pictures, to look at

/** A house that is made before the tests of a file, unlocked, and gone after them. */
export function openedHouse(options) {
  const at = { house: undefined };
  let browser;
  let opened;

  before(async () => {
    at.house = await openHouse(options);
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${at.house.address}/unlock`);
    await page.fill('#passphrase', PASSPHRASE);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${at.house.address}/`);
    opened = await context.storageState();
    await context.close();
  }, { timeout: 900_000 });

  after(async () => {
    await browser?.close();
    await at.house?.close();
  });

  /** A page of the open besace; any complaint of the browser fails the test. */
  at.open = async (options, story) => {
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
      if (!request.url().startsWith(`${at.house.address}/`)) complaints.push(request.url());
    });
    try {
      await story(page);
    } finally {
      await context.close();
    }
    assert.deepEqual(complaints, []);
  };
  return at;
}

/** Runs `story` for each language, width and time of day. */
export async function eachManner(story) {
  for (const locale of ['fr-FR', 'en-GB']) {
    for (const viewport of [PHONE, DESK]) {
      for (const colorScheme of ['light', 'dark']) await story({ locale, viewport, colorScheme });
    }
  }
}

/** The page is in the right language, no wider than the screen, and without a fault that axe finds; `rules` are axe's. */
export async function check(page, name, { locale, viewport, colorScheme }, rules = {}) {
  const what = `${name}-${locale.slice(0, 2)}-${viewport.width}-${colorScheme}`;
  assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), what);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= viewport.width, `${what} is ${width} wide`);
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${what}.png`, fullPage: true });
  await page.evaluate(AXE);
  const found = await page.evaluate((options) => axe.run(document, options), { rules });
  const faults = found.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`);
  assert.deepEqual(faults, [], what);
}
