// The scenarios of the guide for users, word for word, set off through bp-api as
// published and by curl.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { base, client, failure } from './setup.mjs';

const bp = client();
const guide = readFileSync(new URL('../../docs/guide-users.md', import.meta.url), 'utf8').split('## Scenarios')[1];
const blocks = (kind) => [...guide.matchAll(new RegExp('```' + kind + '\\n(.*?)```', 'gs'))].map((m) => m[1]);
const [check, task, order] = blocks('python');
const link = (catalogId, recordId) => [{ catalogId, recordId }];
const AsyncFunction = (async () => {}).constructor;
let bob;

/** The curl of the guide, with other fields of the form; gives the head and the body. */
function curl(change = (s) => s) {
  const command = change(blocks('sh')[0]).replace('https://cards.example', base);
  return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Waits until something is there. */
async function eventually(what, get) {
  for (let i = 0; i < 300; i++) {
    const found = await get();
    if (found) return found;
    await new Promise((r) => setTimeout(r, 50));
  }
  throw new Error(`${what} did not come`);
}

const named = (catalog, name) => async () => (await bp.getRecords(catalog, { limit: 500 })).find((r) => r.title === name);

before(async () => {
  assert.equal(blocks('python').length, 3);
  const section = (await bp.postSection({ name: 'Sales', icon: 'content-3' })).id;
  const make = async (name, fields) => (await bp.postCatalog({ name, icon: 'content-1', sectionId: section, fields })).id;
  const to = (id) => ({ type: 'object', config: { catalogs: [{ id }] } });
  const made = [
    await make('Partners', [{ name: 'Name', type: 'text' }, { name: 'Discount', type: 'number' }]),
    await make('Deals', [{ name: 'Name', type: 'text' }, { name: 'Partner', ...to('25') }, { name: 'Discount', type: 'number' }, { name: 'Sum', type: 'number' }]),
    await make('Tasks', [{ name: 'Name', type: 'text' }, { name: 'Deal', ...to('26') }, { name: 'Due', type: 'date' }, { name: 'By', type: 'user' }]),
  ];
  assert.deepEqual(made, ['25', '26', '27'], 'the numbers of the guide');
  bob = (await bp.postRecord('25', { 1: 'Bob', 2: 15 })).id;
  await new AsyncFunction('bp', 'source', blocks('js')[0])(bp, check);
  const later = await bp.postRecord('$scripts', { $name: 'Tasks', $source: task });
  await bp.postRecord('$events', {
    $name: 'Tasks', $catalog: link('$catalogs', '26'), $events: ['$record.after.create'], $script: link('$scripts', later.id),
  });
  const web = await bp.postRecord('$scripts', { $name: 'Orders', $source: order });
  await bp.postRecord('$webRequests', { $name: 'Orders', $url: 'order', $script: link('$scripts', web.id) });
});

test('a mistake is refused with its place', async () => {
  const bad = await failure(bp.postRecord('$scripts', { $name: 'Bad', $source: 'x = 1\nif x\n' }));
  assert.deepEqual([bad.status, bad.data.code, bad.data.errors[0].fieldId], [400, 'validation_failed', '$source']);
  assert.match(bad.data.errors[0].message, /line 2/);
});

test('a scenario fills a field from a linked record', async () => {
  const { id } = await bp.postRecord('26', { 1: 'Ten tables', 2: link('25', bob), 4: 100 });
  assert.equal((await bp.getRecordById('26', id)).values['3'], 15);
  const made = await eventually('the task', named('27', 'Call Bob about Ten tables'));
  assert.equal(made.values['2'][0].recordId, id);
  assert.equal(made.values['4'][0].id, '1', 'who made the deal');
  const due = new Date(made.values['3']) - Date.now();
  assert.ok(due > -864e5 && due < 2 * 864e5, `due ${made.values['3']}`);
});

test('a scenario refuses, and nothing is written', async () => {
  const { id } = await bp.postRecord('26', { 1: 'Steady', 4: 5 });
  const refused = await failure(bp.patchRecord('26', id, { 1: 'Shaken', 4: -1 }));
  assert.deepEqual([refused.status, refused.data.code, refused.data.message], [400, 'rejected', 'The sum cannot be negative']);
  assert.equal((await failure(bp.postRecord('26', { 1: 'Negative', 4: -1 }))).data.message, 'The sum cannot be negative');
  const kept = (await bp.getRecordById('26', id)).values;
  assert.deepEqual([kept['1'], kept['4']], ['Steady', 5]);
  assert.equal(await named('26', 'Negative')(), undefined);
});

test('a form from outside makes a record', async () => {
  const answer = curl();
  assert.match(answer, /^HTTP\/1\.1 303 /);
  assert.match(answer, /^Location: https:\/\/shop\.example\/thanks\r$/m);
  const deal = await named('26', 'Two chairs')();
  assert.deepEqual([deal.values['2'][0].recordTitle, deal.values['3'], deal.values['4']], ['Ann', null, 12.5], 'a partner without a discount');
  const made = await eventually('its task', named('27', 'Call Ann about Two chairs'));
  assert.deepEqual(made.values['4'], [], 'nobody is signed in');
  curl((s) => s.replace('Ann', 'Bob').replace('Two chairs', 'Three chairs'));
  const known = await named('26', 'Three chairs')();
  assert.deepEqual([known.values['2'][0].recordId, known.values['3']], [bob, 15]);
  assert.equal((await bp.getRecords('25', {})).length, 2, 'Ann and Bob');
});

test('what a form lacks is said; what a scenario refuses and its mistakes are not told outside', async () => {
  const nameless = curl((s) => s.replace('Ann', ' '));
  assert.match(nameless, /^HTTP\/1\.1 400 /);
  assert.match(nameless, /"message":"Tell us your name"/);
  for (const wrong of [(s) => s.replace('12.5', 'much'), (s) => s.replace('12.5', '-1')]) {
    const answer = curl(wrong);
    assert.match(answer, /^HTTP\/1\.1 500 /);
    assert.doesNotMatch(answer, /much|float|line|negative/);
  }
  assert.equal((await bp.getRecords('26', { filters: [{ fieldId: '1', value: 'Two chairs' }] })).length, 1);
});

test('runs are processes', async () => {
  const runs = await eventually('the end of all runs', async () => {
    const all = await bp.getRecords('$processes', { limit: 500 });
    const noted = (text) => all.some((r) => r.values.$result.includes(text)); // beside the answers
    return all.every((r) => r.values.$status[0] !== '$running') && noted('The sum cannot be negative') && noted('ValueError') && all;
  });
  const of = (name) => runs.filter((r) => r.values.$script[0].recordTitle === name);
  assert.equal(of('Tasks').length, 4, 'a run for each deal');
  assert.ok(of('Tasks').every((r) => r.values.$status[0] === '$done' && r.values.$mode === 'async'));
  assert.ok(of('Check deals').some((r) => r.values.$status[0] === '$error' && r.values.$result.includes('The sum cannot be negative')));
  assert.ok(of('Orders').some((r) => r.values.$result.includes('ValueError')), 'the reason is noted');
  const [first] = of('Tasks').slice(-1);
  assert.equal(JSON.parse(first.values.$params).event.type, '$record.after.create');
});
