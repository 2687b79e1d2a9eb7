// System catalogs through bp-api as published, by number and by text id: the
// employees, their accounts, the company, what else administers a server.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import bpApi from 'bp-api';
import { base, client, failure, login } from './setup.mjs';

const bp = client();
const password = 'пароль:bob';
const as = (who, secret) => new bpApi.default(base.replace('http://', ''), who, secret, 'http');
let bobID, accountID;

/** A request of the login page's, by nobody or with the administrator's password. */
async function page(path, signedIn = false) {
  const headers = signedIn ? { authorization: `Basic ${Buffer.from(`${login}:${process.env.KT_PASSWORD}`).toString('base64')}` } : {};
  return (await fetch(base + path, { headers })).json();
}

before(async () => {
  bobID = (await bp.postRecord('3', { 1: 'Bob', 2: 'bob@example.com', 3: password })).id;
  accountID = (await bp.getRecords('$accounts', { filters: [{ fieldId: '$email', value: 'bob@example.com' }] }))[0].id;
});

test('employees by number and by text id', async () => {
  const both = await bp.getRecordById('3', bobID);
  assert.deepEqual([both.catalogId, both.values['1'], both.values.$name, both.values['2'], both.values.$email, both.values['3'], both.values.$password],
    ['$users', 'Bob', 'Bob', 'bob@example.com', 'bob@example.com', '', '']);
  const once = await bp.getRecordById('$users', bobID, { skipPrevId: true });
  assert.deepEqual(Object.keys(once.values).filter((k) => /^\d/.test(k)), []);
  await bp.patchRecord('$users', bobID, { 1: 'Not this', $name: 'Robert' });
  assert.equal((await bp.getRecordById('3', bobID)).values['1'], 'Robert');
  assert.equal((await failure(bp.patchRecord('3', bobID, { 2: login.toUpperCase() }))).data.code, 'duplicate');
});

test('accounts', async () => {
  const byNumber = await bp.getRecordById('17', accountID);
  assert.deepEqual([byNumber.catalogId, byNumber.values['2'], byNumber.values.$email, byNumber.values['5'], byNumber.values.$failedLogins],
    ['$accounts', 'bob@example.com', 'bob@example.com', 0, 0]);
  assert.deepEqual(byNumber.values.$companies.map((c) => [c.catalogId, c.recordId]), [['$companies', '1']]);
  const once = await bp.getRecordById('$accounts', accountID, { skipPrevId: true });
  assert.deepEqual(Object.keys(once.values).sort(),
    ['$companies', '$email', '$failedLogins', '$lastActivity', '$lastLogin', '$limitInterval', '$name', '$requestLimit', '$sessionsFrom']);
  const catalog = await bp.getCatalog('17');
  assert.deepEqual(catalog.fields.slice(0, 2).map((x) => [x.id, x.prevId, x.isDuplicated ?? false, x.duplicateResultWithPrevId]),
    [['1', '1', true, true], ['$name', '1', false, true]]);
  assert.equal((await failure(bp.postRecord('$accounts', { $name: 'Eve', $email: 'eve' }))).status, 400);

  const bob = as('bob@example.com', password);
  await bob.getRecords('$users', {}).catch(() => {}); // signed in, whatever he may see
  await bp.patchRecord('17', accountID, { 2: 'robert@example.com', 7: 50 });
  assert.equal((await bp.getRecordById('$users', bobID)).values.$email, 'robert@example.com');
  assert.equal((await failure(as('bob@example.com', password).getSection('3'))).status, 401);
  assert.equal((await as('robert@example.com', password).getSection('3')).id, '3');
  await bp.patchRecord('$accounts', accountID, { $failedLogins: 0, $sessionsFrom: new Date().toISOString() });

  assert.equal((await failure(bp.deleteRecord('$accounts', '1'))).data.code, 'last_admin');
  await bp.deleteRecord('17', accountID);
  assert.equal((await failure(bp.getRecordById('$accounts', accountID))).status, 404);
  assert.equal((await failure(as('robert@example.com', password).getSection('3'))).status, 401);
  assert.deepEqual((({ $name, $email }) => [$name, $email])((await bp.getRecordById('3', bobID)).values), ['Robert', '']);
});

test('company, extensions, versions', async () => {
  await bp.patchRecord('16', '1', { 1: 'Acme Ltd' });
  assert.equal((await bp.getRecordById('$companies', '1')).values.$name, 'Acme Ltd');
  assert.equal((await page('/auth/company')).title, 'Acme Ltd');
  assert.equal((await failure(bp.postRecord('$companies', { $name: 'Another' }))).status, 400);
  assert.equal((await failure(bp.deleteRecord('16', '1'))).status, 400);
  await bp.postRecord('23', { 1: 'Maps', 2: 'maps', 4: 'https://a.example/maps.js' });
  assert.deepEqual((await page('/auth/company')).extensions, []);
  assert.deepEqual((await page('/auth/company', true)).extensions, [{ code: 'maps', title: 'Maps', icon: '', js: ['https://a.example/maps.js'], css: [] }]);
  assert.equal((await failure(bp.postRecord('$extensions', { $title: 'Again', $code: 'maps' }))).data.code, 'duplicate');
  assert.equal((await bp.getRecords('20', {})).length, 1);
  assert.equal((await bp.getRecords('$companiesGroups', {}))[0].id, '1');
});

test('webhooks and web requests', async () => {
  const hook = await bp.postRecord('5', { 2: [{ catalogId: '$catalogs', recordId: '3' }], 3: ['record.created'], 5: 'https://a.example/hook', 7: 's3cret' });
  const kept = await bp.getRecordById('$webhooks', hook.id);
  assert.deepEqual([kept.values['9'], kept.values.$retry, kept.values['1'], kept.values.$status], [['$once'], ['$once'], ['$on'], ['$on']]);
  assert.equal((await failure(bp.patchRecord('5', hook.id, { 5: 'a.example' }))).status, 400);
  await bp.postRecord('10', { 1: ['$off'], 2: 'One', 4: 'one' });
  assert.equal((await failure(bp.postRecord('$webRequests', { $status: ['$off'], $name: 'Two', $url: 'one' }))).data.code, 'duplicate');
});
