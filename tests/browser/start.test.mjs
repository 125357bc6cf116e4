// The first day, and the days after a loss: a machine without a vault, a backup that comes back, and a vault
// that went back in time. Played against the real program, in a real browser.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { PASSPHRASE, openCottage } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const SHOTS = process.env.BESACE_SHOTS;

let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
});

after(() => browser?.close());

/** A cottage with a browser in it; both go away. Scripts are off: nothing here needs one. */
async function visit(options, story) {
  const cottage = await openCottage();
  const context = await browser.newContext({
    viewport: PHONE,
    locale: 'fr-FR',
    acceptDownloads: true,
    // A colour on its way to another has no contrast to be measured.
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol !== 'data:' && hostname !== '127.0.0.1') complaints.push(request.url());
  });
  try {
    await story(page, cottage, context);
  } finally {
    await context.close();
    await cottage.close();
  }
  // A refused form is answered with its status, which the browser notes; that is no complaint.
  const refused = /Failed to load resource.* 403/;
  assert.deepEqual(complaints.filter((text) => !refused.test(text)), []);
}

let shot = 0;

/** In both widths, by day and by night: no wider than the screen, and without a fault that axe finds. */
async function check(page, what) {
  const viewport = page.viewportSize();
  shot += 1;
  for (const size of [PHONE, DESK]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= size.width, `${what} is ${width} wide`);
      await page.evaluate(AXE);
      const found = await page.evaluate(() => axe.run(document));
      const faults = found.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`);
      assert.deepEqual(faults, [], `${what} ${size.width} ${colorScheme}`);
      if (SHOTS) {
        const name = `${String(shot).padStart(2, '0')}-${what}-${size.width}-${colorScheme}.png`;
        await page.screenshot({ path: join(SHOTS, name), fullPage: true });
      }
    }
  }
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: 'light' });
}

const press = (page, name) => page.getByRole('button', { name }).click();

async function claim(page, cottage) {
  await page.goto(cottage.address);
  assert.equal(new URL(page.url()).pathname, '/start');
  await page.fill('#code', cottage.code.toLowerCase());
  await page.keyboard.press('Enter');
  await page.waitForSelector('.ways');
}

for (const locale of ['fr-FR', 'en-GB']) {
  const fr = locale === 'fr-FR';
  const say = (french, english) => (fr ? french : english);

  test(`a machine without a besace gets one, and its kit (${locale})`, async () => {
    await visit({ locale }, async (page, cottage, context) => {
      await page.goto(cottage.address);
      await check(page, `code-${locale}`);
      await page.fill('#code', 'AAAA-AAAA');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[role=alert]');
      await check(page, `code-wrong-${locale}`);
      await claim(page, cottage);
      await check(page, `choice-${locale}`);
      const ways = await page.locator('.ways strong').allTextContents();
      assert.deepEqual(ways, say(['Restaurer une sauvegarde', 'Une besace neuve'], ['Restore a backup', 'A new besace']));
      // Nobody else goes on from here.
      const stranger = await browser.newContext();
      const theirs = await stranger.newPage();
      await theirs.goto(`${cottage.address}/start/new`);
      assert.equal(new URL(theirs.url()).pathname, '/start');
      assert.equal(await theirs.locator('#code').count(), 0, 'the code serves once');
      await stranger.close();

      await page.locator('.ways a').nth(1).click();
      await page.fill('#passphrase', 'soleil');
      await page.fill('#again', 'soleil');
      await page.locator('main form button').click();
      await page.waitForSelector('#weak');
      await check(page, `new-weak-${locale}`);
      await page.fill('#passphrase', PASSPHRASE);
      await page.fill('#again', PASSPHRASE);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${cottage.address}/kit`);
      const cookies = await context.cookies();
      assert.deepEqual(cookies.filter((cookie) => cookie.name.startsWith('besace_start')), []);
      await page.locator('main form button').click();
      await page.waitForSelector('.words');
      const words = await page.locator('.words li span').allTextContents();
      assert.equal(words.length, 15);
      await page.goto(`${cottage.address}/kit/proof`);
      await page.fill('#words', words.join(' '));
      await page.locator('main form button').click();
      await page.waitForURL(`${cottage.address}/kit`);
      await page.goto(cottage.address);
      assert.match(await page.textContent('.note'), say(/copiée nulle part/, /copied nowhere/));
      await check(page, `first-today-${locale}`);
    });
  });
}

/** Makes a vault by hand on the command line, with its kit; gives the words. */
async function furnish(cottage) {
  await cottage.stop();
  cottage.besace('init');
  const { words } = JSON.parse(cottage.besace('--json', 'kit', 'make'));
  cottage.besace('kit', 'confirm', '--kit-file', cottage.write('words', words.join(' ')));
  cottage.besace('card', 'add', '--store', 'Maison Lumen', '--number', '3086126100012', '--symbology', 'EAN_13');
  cottage.besace('wish', 'add', 'des chaussures de marche');
  return words;
}

async function unlock(page, cottage) {
  await page.goto(`${cottage.address}/unlock`);
  await page.fill('#passphrase', PASSPHRASE);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${cottage.address}/`);
}

test('she backs up, rehearses, takes one home, and both come back on another machine', async () => {
  await visit({}, async (page, cottage) => {
    const words = await furnish(cottage);
    await cottage.restart();
    await unlock(page, cottage);
    await page.click('.note a');
    await page.waitForURL(`${cottage.address}/backup`);
    await check(page, 'backup-nowhere');
    const disk = join(cottage.folder, 'disque');
    await page.fill('#folder', disk);
    await press(page, 'Ajouter ce lieu');
    await page.waitForSelector('[role=alert]');
    assert.equal(await page.getAttribute('#folder', 'aria-invalid'), 'true');
    assert.equal(await page.inputValue('#folder'), disk, 'what she wrote stays');
    await check(page, 'backup-refused');
    mkdirSync(disk);
    await press(page, 'Ajouter ce lieu');
    await page.waitForSelector('.place');
    await press(page, /Sauvegarder maintenant/);
    await page.waitForSelector('.news');
    assert.match(await page.textContent('.news'), /relue jusqu’au bout/);
    await press(page, /Essayer de restaurer/);
    await page.waitForSelector('.news');
    assert.match(await page.textContent('.news'), /L’essai a réussi/);
    await check(page, 'backup-rehearsed');
    await page.getByRole('button', { name: 'English' }).click();
    await page.waitForURL(`${cottage.address}/backup`);
    await check(page, 'backup-english');
    assert.deepEqual(readdirSync(disk).length, 2);

    const files = [];
    const current = await page.locator('footer [aria-current=page]').allTextContents();
    assert.deepEqual(current, ['Backups']);
    assert.equal(await page.locator('#take-passphrase').count(), 0, 'she has just shown her key');
    for (const button of await page.locator('form[action="/backup/file"] button').all()) {
      const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
      const path = join(cottage.folder, download.suggestedFilename());
      await download.saveAs(path);
      files.push(path);
    }
    assert.match(files[0], /besace-[0-9a-f]{8}-\d{8}\.age$/);
    assert.equal(files[1], files[0].replace(/\.age$/, '.slots.json'));

    await visit({ javaScriptEnabled: false }, async (page, other) => {
      await claim(page, other);
      await page.locator('.ways a').first().click();
      await page.setInputFiles('#backup', files[1]);
      await page.locator('main form button').click();
      await page.waitForSelector('[role=alert]');
      assert.match(await page.textContent('[role=alert]'), /n’est pas une sauvegarde/);
      await page.setInputFiles('#backup', files[0]);
      await page.setInputFiles('#slots', files[1]);
      await page.locator('main form button').click();
      await page.waitForURL(`${other.address}/start/open`);
      await page.fill('#passphrase', 'une autre phrase');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[role=alert]');
      await page.fill('#passphrase', PASSPHRASE);
      await page.keyboard.press('Enter');
      await page.waitForSelector('main dl');
      assert.match(await page.textContent('h1'), /de retour/);
      assert.match(await page.textContent('main dl'), /Cartes\s*1\s*Souhaits\s*1/);
      await page.goto(`${other.address}/cards`);
      assert.match(await page.textContent('.wallet'), /Maison Lumen/);
    });

    for (const locale of ['fr-FR', 'en-GB']) {
      await visit({ locale }, async (page, other) => {
        await claim(page, other);
        await page.locator('.ways a').first().click();
        await check(page, `restore-${locale}`);
        await page.setInputFiles('#backup', files[0]);
        await page.locator('main form button').click();
        await page.waitForURL(`${other.address}/start/open/kit`);
        await check(page, `open-kit-${locale}`);
        // A passphrase opens nothing without the locks: the way there leads to the files.
        await page.click('.links a');
        await page.waitForURL(`${other.address}/start/restore`);
        await page.goto(`${other.address}/start/open/kit`);
        await page.fill('#words', words.join(' '));
        await page.fill('#passphrase', 'lune rousse en hiver');
        await page.fill('#again', 'lune rousse en hiver');
        await page.locator('main form button').click();
        await page.waitForSelector('main dl');
        await check(page, `restored-${locale}`);
        await page.click('main .act');
        await page.waitForURL(`${other.address}/`, undefined);
      });
    }
  });
});

test('a vault that went back says what is missing, and goes on by a decision that no slip makes', async () => {
  await visit({}, async (page, cottage) => {
    await furnish(cottage);
    const file = join(cottage.vault, 'vault.db');
    const older = join(cottage.folder, 'older.db');
    copyFileSync(file, older);
    cottage.besace('wish', 'add', 'un vélo');
    copyFileSync(older, file);
    await cottage.restart();
    await unlock(page, cottage);
    await page.goto(`${cottage.address}/cards`);
    await check(page, 'went-back-alarm');
    await page.click('.alarm a');
    await page.waitForURL(`${cottage.address}/went-back`);
    assert.match(await page.textContent('main'), /Il manque/);
    assert.equal(await page.locator('main button').count(), 0, 'nothing here changes anything');
    await check(page, 'went-back');
    await page.getByRole('button', { name: 'English' }).click();
    await page.waitForURL(`${cottage.address}/went-back`);
    await check(page, 'went-back-english');
    await page.goto(`${cottage.address}/went-back/go-on`);
    await check(page, 'go-on');
    // Enter in the field is not enough: the box is to be ticked first.
    await page.fill('#passphrase', PASSPHRASE);
    await page.keyboard.press('Enter');
    assert.equal(new URL(page.url()).pathname, '/went-back/go-on');
    assert.equal(await page.locator('#read:invalid').count(), 1);
    await page.check('#read');
    await page.fill('#passphrase', PASSPHRASE);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${cottage.address}/consent`);
    assert.equal(await page.locator('.alarm').count(), 0);
  });
});
