// A house for the tests: a gateway with a shop, offers and a consent request, and an agent with a vault
// that the command line filled. Everything runs on loopback and goes away at the end.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PASSPHRASE = 'soleil de minuit';
export const DOMAIN = 'maison-lumen.example';
const SHOP = '4c594f01';

/** Builds the programs and says where they are. */
function build() {
  // The whole workspace: with fewer packages Cargo unifies other features and builds everything again.
  const packages = ['--workspace', '--bins'];
  const lines = execFileSync(
    'cargo',
    ['build', '--quiet', '--locked', ...packages, '--message-format=json'],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  const built = {};
  for (const line of lines.split('\n').filter(Boolean)) {
    const message = JSON.parse(line);
    if (message.executable) built[message.target.name] = message.executable;
  }
  return { agent: built.besace, gateway: built['besace-gateway'] };
}

let built;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

const CODE = /^ {4}([0-9A-Z]{4}-[0-9A-Z]{4})$/m;

/** Starts a program and waits for the line that says where it listens, and for what else it is to say. */
function start(program, args, env, more = /^/) {
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  return new Promise((ready, failed) => {
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found && more.test(said)) ready({ child, address: found[0], code: more.exec(said)[1] });
    });
    child.stderr.on('data', (text) => (said += text));
    child.on('exit', (status) => failed(new Error(`${program} ended with ${status}: ${said}`)));
  });
}

const days = (n) => Math.floor(Date.now() / 1000) + n * 86_400;

function offer(number, fr, en, extra) {
  return {
    benefit: 'price',
    body: { en: 'Waterproof, 420 g each.', fr: 'Imperméables, 420 g chacune.' },
    category: 'shoes.walking',
    conditions: [[{ holds: { wish_category: { categories: ['shoes.walking'] } } }]],
    id: `offer_${number.toString(16).padStart(32, '0')}`,
    price: { currency: 'EUR', minor: 7990 },
    prior_price: { currency: 'EUR', minor: 9900 },
    shops: [SHOP],
    title: { en, fr },
    validity: { not_after: days(20), not_before: days(-1) },
    ...extra,
  };
}

function terms(purpose, categories) {
  return {
    base_benefit_conditional: false,
    benefit: { amount: { currency: 'EUR', minor: 500 }, kind: 'monthly_credit' },
    categories,
    frequency_per_day: 4,
    lookback_days: 0,
    purpose,
    recipients: [],
    release_ahead_days: ['recognition', 'loyalty_account'].includes(purpose) ? 1 : 0,
    retention_days: 30,
    scope: `${DOMAIN}/fr/*`,
    shops: [SHOP],
    valid_days: 120,
  };
}

export const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

/** What the shop asks to hear of her. */
const HEARD = {
  wish_broadcast: { wish_detail: 'exact', wish_kind: 'exact' },
  answers: { answer_reach: 'exact', answer_visits: 'exact' },
  feedback: { feedback: 'exact', feedback_words: 'exact' },
  receipts: { receipt_totals: 'exact', receipts: 'day' },
};

/**
 * Gateway and agent, filled and served. With `till`, the shop has one, and she gave it leave to know her; with `told`, it asks
 * for all that it may hear of her, and she said yes.
 */
export async function openHouse({ till = false, told = false } = {}) {
  const programs = (built ??= build());
  const folder = mkdtempSync(join(tmpdir(), 'besace-browser-'));
  const write = (name, value) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(value));
    return path;
  };
  const gateway = (...args) =>
    execFileSync(programs.gateway, ['--folder', join(folder, 'gateway'), ...args], {
      encoding: 'utf8',
    });

  const identity = {
    domain: DOMAIN,
    legal: {
      address: '1 rue de la République, 69002 Lyon',
      contact: `donnees@${DOMAIN}`,
      display_name: 'Maison Lumen',
      name: 'Lumen SAS',
    },
    shops: [
      {
        code: SHOP,
        kind: 'department_store',
        latitude_e7: 457_640_000,
        longitude_e7: 48_357_000,
        name: 'Lyon',
        radius_metres: 60,
        scope: `${DOMAIN}/fr/*`,
      },
    ],
  };
  gateway('init', write('identity.json', identity), '--listen', `127.0.0.1:${await freePort()}`);
  const notice = {
    items: {
      automated_decisions: 'Aucune décision automatisée.',
      complaint: 'Vous pouvez saisir la CNIL.',
      data_protection_officer: 'Nous n’en avons pas désigné.',
      legal_basis: 'Votre consentement.',
      obligation: 'Un non ne change rien à vos avantages.',
      purpose: 'Lumen SAS vous reconnaît quand vous entrez.',
      recipients: 'Personne d’autre.',
      retention: '30 jours au plus.',
      rights: 'Accès, rectification, effacement : écrivez-nous.',
      transfers: 'Aucun transfert hors de l’Union européenne.',
      withdrawal: 'Un geste suffit.',
    },
    language: 'fr',
    version: '2026-11',
  };
  const request = (purpose, categories) => ({
    notice,
    open_days: 30,
    terms: terms(purpose, categories),
  });
  const recognition = write('recognition.json', request('recognition', { presence: 'exact' }));
  const greeting = write('greeting.json', request('staff_greeting', { chosen_name: 'exact' }));
  // Four at once are as many as she is shown of one shop.
  for (const draft of told ? [] : [recognition, greeting]) gateway('request', 'publish', draft);
  const offers = [
    offer(1, 'Chaussures de marche Sentier', 'Sentier walking shoes', {}),
    offer(2, HOSTILE, HOSTILE, { price: { currency: 'EUR', minor: 8490 } }),
  ];
  gateway('catalogue', 'publish', write('offers.json', offers));
  let tillKey;
  if (till) {
    gateway('request', 'publish', write('account.json', request('loyalty_account', { till_answers: 'exact' })));
    tillKey = gateway('key', 'add', 'till', '--shop', SHOP, '--scope', 'tills').trim();
  }
  if (told) {
    for (const [purpose, categories] of Object.entries(HEARD)) {
      gateway('request', 'publish', write(`${purpose}.json`, request(purpose, categories)));
    }
  }
  const shop = await start(programs.gateway, ['--folder', join(folder, 'gateway'), 'serve'], {
    RUST_LOG: 'error',
  });

  const vault = join(folder, 'vault');
  // Her mark stays in the house, too.
  const state = { XDG_STATE_HOME: join(folder, 'state') };
  const env = { BESACE_PASSPHRASE: PASSPHRASE, ...state };
  const common = ['--vault', vault, '--dev-retailer', `${DOMAIN}=${shop.address}`];
  const besace = (...args) =>
    execFileSync(programs.agent, [...common, ...args], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
  besace('init');
  // Who has a kit is led to her things, not to making one.
  const { words } = JSON.parse(besace('kit', 'make', '--json'));
  besace('kit', 'confirm', '--kit-file', write('words', words.join(' ')));
  const card = (store, number, symbology) =>
    besace('card', 'add', '--store', store, '--number', number, '--symbology', symbology);
  card('Maison Lumen', '3086126100012', 'EAN_13');
  card('Librairie du Passage', 'LP-2044-1187', 'QR_CODE');
  card('Grand Bazar', '3086126100013', 'EAN_13');
  const category = ['--category', 'shoes.walking', '--max-price', '90'];
  besace('wish', 'add', 'des chaussures de marche', ...category);
  besace('retailer', 'meet', DOMAIN);
  if (till) {
    const { requests } = JSON.parse(besace('--json', 'consent', 'requests'));
    const { request } = requests.find((one) => one.terms.purpose === 'loyalty_account');
    besace('consent', 'give', request);
    besace('retailer', 'refresh', DOMAIN);
  }
  if (told) {
    const { requests } = JSON.parse(besace('--json', 'consent', 'requests'));
    for (const { request, terms } of requests) {
      if (terms.purpose in HEARD) besace('consent', 'give', request);
    }
    const day = new Date().toISOString().slice(0, 10);
    besace('receipt', 'add', DOMAIN, SHOP, '2026-0001', day, '--total', '89.90', '--label', 'Godillots');
    besace('receipt', 'add', DOMAIN, SHOP, '2026-0002', day);
    besace('wish', 'add', HOSTILE, '--category', 'kitchen.coffee');
  }
  const agent = await start(programs.agent, [...common, 'serve', '--listen', '127.0.0.1:0'], state);

  return {
    address: agent.address,
    /** The shop's till sends something to the gateway; status and answer. */
    till: async (path, body) => {
      const response = await fetch(`${shop.address}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tillKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    },
    /** The retailer stops answering. */
    closeShop: () => end(shop.child),
    close: async () => {
      await end(agent.child);
      await end(shop.child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A machine with the agent and nothing else: no vault yet, and a mark beside it. `besace` runs a command while
 * nobody serves; `restart` serves again.
 */
export async function openCottage() {
  built ??= build();
  const folder = mkdtempSync(join(tmpdir(), 'besace-browser-'));
  const vault = join(folder, 'vault');
  const common = ['--vault', vault, '--mark', join(folder, 'vault.mark')];
  const serve = (more) => start(built.agent, [...common, 'serve', '--listen', '127.0.0.1:0'], {}, more);
  let agent = await serve(CODE);
  const cottage = {
    folder,
    vault,
    address: agent.address,
    /** The code that it showed. */
    code: agent.code,
    write: (name, value) => {
      const path = join(folder, name);
      writeFileSync(path, value);
      return path;
    },
    besace: (...args) => {
      if (agent.child.exitCode === null) throw new Error('somebody serves: call `stop` first');
      return execFileSync(built.agent, [...common, ...args], {
        env: { ...process.env, BESACE_PASSPHRASE: PASSPHRASE },
        encoding: 'utf8',
      });
    },
    stop: () => end(agent.child),
    restart: async () => {
      await end(agent.child);
      agent = await serve();
      cottage.address = agent.address;
    },
    close: async () => {
      await end(agent.child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return cottage;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGINT');
  await ended;
}
