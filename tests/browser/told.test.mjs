// What shops may hear of her, beside who she is: wishes, answers, remarks, till receipts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DOMAIN, HOSTILE } from './house.mjs';
import { check, eachManner, openedHouse } from './opened.mjs';

const PAGES = ['/wishes', '/receipts', '/answers', '/feedback', '/mandates', `/consent/${DOMAIN}/afresh`, '/consent'];

const at = openedHouse({ told: true });
const { open } = at;

test('what shops may hear is clean in both languages, on phone and desk, by day and by night', async () => {
  await eachManner(async (manner) => {
    await open(manner, async (page) => {
      for (const path of PAGES) {
        const response = await page.goto(`${at.house.address}${path}`);
        assert.equal(response.status(), 200, path);
        await check(page, path.slice(1).replaceAll('/', '-'), manner);
      }
    });
  });
});

/** A button of the article that has this text. */
const button = (page, article, name) =>
  page.locator('article', { hasText: article }).locator('button', { hasText: name });

test('a wish is said by keyboard, shown with one tap and kept back with one', async () => {
  await open({}, async (page) => {
    await page.goto(at.house.address);
    await page.click('main a[href="/wishes"]');
    assert.ok((await page.textContent('main')).includes(HOSTILE), 'a hostile text is only a text');
    assert.match(await page.textContent('main'), /Vous avez permis d’entendre .*: Maison Lumen\./);
    await page.fill('#text', 'un moulin à café');
    await page.selectOption('#category', 'kitchen.coffee');
    await page.fill('#max_price', 'cher');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=alert]');
    assert.equal(await page.inputValue('#text'), 'un moulin à café', 'what was typed is not lost');
    assert.equal(await page.inputValue('#category'), 'kitchen.coffee');
    await page.fill('#max_price', '45,50');
    await page.keyboard.press('Enter');
    await page.waitForURL(/wishes#wish_/);
    const mine = page.locator('article', { hasText: 'un moulin à café' });
    assert.match(await mine.textContent(), /45,50\u00a0€.*Il reste ici/s);
    await button(page, 'un moulin à café', 'Montrer').click();
    assert.match(await mine.textContent(), /Ces enseignes l’apprennent au prochain échange/);
    await button(page, 'un moulin à café', 'Garder pour moi').click();
    assert.match(await mine.textContent(), /Il reste ici/);
    await button(page, 'un moulin à café', 'Oublier').click();
    await page.waitForURL(`${at.house.address}/wishes`);
    assert.equal(await mine.count(), 0);
  });
});

test('a till receipt is told with one tap and taken back with one', async () => {
  await open({}, async (page) => {
    await page.goto(`${at.house.address}/consent`);
    await page.click('main a[href="/receipts"]');
    const mine = page.locator('article', { hasText: 'Godillots' });
    assert.match(await mine.textContent(), /2026-0001.*89,90\u00a0€.*Rien que pour vous/s);
    await button(page, 'Godillots', 'Dire qu’il est à moi').click();
    assert.match(await mine.textContent(), /Maison Lumen peut savoir qu’il est à vous/);
    await button(page, 'Godillots', 'Reprendre').click();
    assert.match(await mine.textContent(), /Rien que pour vous/);
    await page.fill('#number', '2026-0001');
    await page.fill('#day', '2026-11-18');
    await page.keyboard.press('Enter');
    assert.match(await page.textContent('[role=alert]'), /déjà là/);
  });
});

test('an answer and a remark are given and taken back where they are asked for', async () => {
  await open({}, async (page) => {
    await page.goto(`${at.house.address}/feedback`);
    await page.selectOption('select[name=rating]', '4');
    await page.fill('input[name=words]', 'Les essayages sont trop sombres.');
    await page.click('main .stack button');
    const said = page.locator('article', { hasText: 'trop sombres' });
    assert.match(await said.textContent(), /4 sur 5/);
    await said.locator('button').click();
    await page.waitForURL(`${at.house.address}/feedback`);
    assert.equal(await said.count(), 0);

    await page.goto(`${at.house.address}/answers`);
    const before = await page.textContent('main');
    const choice = page.locator('main form button').first();
    await choice.click();
    await page.waitForURL(/answers#grant_/);
    assert.notEqual(await page.textContent('main'), before, 'the page says what was chosen');
  });
});
