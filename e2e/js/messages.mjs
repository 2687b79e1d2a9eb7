// Chats of records through bp-api as published: messages, subscriptions, counters
// and the feed, as an administrator and an employee have them.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import bpApi from 'bp-api';
import { base, catalogs, client, failure, ids } from './setup.mjs';

const bp = client();
let orders, order, f, bob, bobID;

before(async () => {
  ({ orders } = await catalogs(bp));
  f = ids(await bp.getCatalog(orders));
  bobID = (await bp.postRecord('$users', { $name: 'Bob', $email: 'bob@example.com', $password: 'password1' })).id;
  bob = new bpApi.default(base.replace('http://', ''), 'bob@example.com', 'password1', 'http');
  order = (await bp.postRecord(orders, { [f.Title]: 'Chairs' })).id;
});

const chat = async (by) => (await by.getRecordById(orders, order)).chat;
const newChats = async (by) => (await by.getCatalog(orders)).chat.newChats;

test('a conversation', async () => {
  assert.deepEqual(await bp.getMessages(orders, order), []);
  assert.deepEqual(await chat(bob), { messagesCount: 0, newMessages: false, subscribe: false });
  const { id } = await bp.postMessage(orders, order, 'Checked');
  assert.deepEqual([typeof id, await newChats(bob)], ['string', 0]);
  assert.deepEqual(await chat(bp), { messagesCount: 1, newMessages: false, subscribe: true });
  const asked = await bp.postMessage(orders, order, { text: `Is it, <@$users:${bobID};Bob/@>?`, mentions: [], attachments: [], replyMessageId: id });
  assert.deepEqual([await chat(bob), await newChats(bob)], [{ messagesCount: 2, newMessages: true, subscribe: false }, 1]);
  assert.deepEqual((await bob.getRecords(orders, { newMessages: true })).map((r) => r.id), [order]);
  await bob.postMessage(orders, order, { text: 'It is', mentions: [{ id: '1' }] });
  assert.deepEqual([await chat(bp), await newChats(bp)], [{ messagesCount: 3, newMessages: true, subscribe: true }, 1]);
  const list = await bob.getMessages(orders, order);
  assert.deepEqual(list.map((m) => [m.catalogId, m.text, m.mention, m.reply?.id ?? null, m.author.recordTitle, m.deleted]), [
    ['$messages', 'Checked', [], null, list[0].author.recordTitle, false],
    ['$messages', `Is it, <@$users:${bobID};Bob/@>?`, [bobID], id, list[0].author.recordTitle, false],
    ['$messages', 'It is', ['1'], null, 'Bob', false],
  ]);
  assert.match(list[0].createdDate, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.ok(!('reply' in list[1].reply));
  assert.equal((await failure(bob.patchMessage(orders, order, asked.id, 'No'))).status, 403);
});

test('editing, deleting and the feed', async () => {
  const { id } = await bp.postMessage(orders, order, 'Firs');
  assert.equal(await bp.patchMessage(orders, order, id, 'First'), '');
  const edited = (await bob.getMessages(orders, order)).at(-1);
  assert.deepEqual([edited.text, typeof edited.updatedDate], ['First', 'string']);
  const feed = async () => (await bp.getHistory(orders, order)).filter((e) => e.payload.messageId === id).map((e) => [e.actionType, e.payload.message]);
  assert.deepEqual(await feed(), [['COMMENT', 'First']]);
  assert.equal(await bp.deleteMessage(orders, order, id), '');
  const deleted = (await bob.getMessages(orders, order)).at(-1);
  assert.deepEqual([deleted.id, deleted.text, deleted.deleted, typeof deleted.deletedDate], [id, '', true, 'string']);
  assert.deepEqual(await feed(), [['COMMENT', '']]);
  assert.equal((await failure(bp.deleteMessage(orders, order, id))).status, 404);
});

test('subscriptions', async () => {
  assert.deepEqual(await bob.subscribeToMessages(orders, order), { subscribe: true });
  await bp.postMessage(orders, order, 'News');
  assert.equal((await chat(bob)).newMessages, true);
  assert.deepEqual(await bob.subscribeToMessages(orders, order, false), { subscribe: false });
  assert.equal((await chat(bob)).subscribe, false);
});

test('a file', async () => {
  const file = await bp.uploadFile(await bp.getUploadFileKeys('plan.txt', 'text/plain'), Buffer.from('plan'));
  await bp.postMessage(orders, order, { attachments: [{ id: file.id }, { title: 'elsewhere', url: 'https://files.example.com/a.png' }] });
  const { attachments } = (await bob.getMessages(orders, order)).at(-1);
  assert.deepEqual(attachments.map((a) => [a.title, a.typeStorage, a.size]), [['plan.txt', 's3', 4], ['elsewhere', 'url', 0]]);
  assert.equal(await (await fetch(attachments[0].url)).text(), 'plan');
});

test('what is refused', async () => {
  for (const message of [{ text: ' ' }, { text: 'x', mentions: ['99'] }, { text: 'x', replyMessageId: '999' }, { attachments: [{ id: 999 }] }]) {
    assert.equal((await failure(bp.postMessage(orders, order, message))).status, 400, JSON.stringify(message));
  }
  assert.equal((await failure(bp.getMessages(orders, '999'))).status, 404);
});
