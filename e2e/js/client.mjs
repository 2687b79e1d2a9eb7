// Every method of bp-api that this version serves, through the client as published.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { base, catalogs, client, failure, ids, login } from './setup.mjs';

const bp = client();
let sectionId, vendors, orders, f, v, acme, beta;

before(async () => {
  ({ sectionId, vendors, orders } = await catalogs(bp));
  f = ids(await bp.getCatalog(orders));
  v = ids(await bp.getCatalog(vendors));
  acme = (await bp.postRecord(vendors, { [v.Name]: 'Acme Ltd', [v.Phone]: [{ contact: '+1 555 0100', comment: 'desk' }], [v.Rating]: 5 })).id;
  beta = (await bp.postRecord(vendors, { [v.Name]: 'Béta & Sons', [v.Rating]: 2 })).id;
});

test('sections', async () => {
  const all = await bp.getSection();
  assert.ok(Array.isArray(all) && all.some((s) => s.id === sectionId));
  const one = await bp.getSection(sectionId);
  assert.deepEqual([one.id, one.name, one.icon, one.privilegeCode], [sectionId, 'Purchasing', 'content-3', 'admin']);
  await bp.patchSection(sectionId, { name: 'Закупки' });
  assert.equal((await bp.getSection(sectionId)).name, 'Закупки');
  assert.equal((await failure(bp.getSection('999999'))).status, 404);
});

test('catalogs', async () => {
  assert.ok(Number(orders) >= 25 && typeof orders === 'string', `catalog id ${orders}`);
  const all = await bp.getCatalog();
  assert.ok(Array.isArray(all) && all.find((c) => c.id === orders).fields.length === 16);
  const one = await bp.getCatalog(orders);
  assert.deepEqual(
    [one.id, one.sectionId, one.name, one.icon, one.history, one.privilegeCode],
    [orders, sectionId, 'Orders', 'transfers-52', true, 'admin'],
  );
  assert.deepEqual(one.fields.map((x) => x.type), ['group', 'text', 'number', 'date', 'dropdown', 'radiobutton', 'checkboxes',
    'switch', 'progress', 'stars', 'contact', 'user', 'object', 'address', 'file', 'text']);
  assert.ok(one.fields.every((x) => typeof x.id === 'string'));
  assert.equal((await failure(bp.getCatalog('999999'))).status, 404);
});

test('a changed structure keeps what it names', async () => {
  const made = await bp.postCatalog({ name: 'Shelf', sectionId, fields: [{ name: 'A', type: 'text' }, { name: 'B', type: 'number' }] });
  const [a, b] = (await bp.getCatalog(made.id)).fields;
  const { id } = await bp.postRecord(made.id, { [a.id]: 'kept', [b.id]: 7 });
  await bp.patchCatalog(made.id, { name: 'Shelves' });
  assert.equal((await bp.getCatalog(made.id)).fields.length, 2);
  await bp.patchCatalog(made.id, { fields: [{ id: a.id, name: 'First' }, { name: 'C', type: 'text' }] });
  const after = await bp.getCatalog(made.id);
  assert.deepEqual([after.name, ...after.fields.map((x) => x.name)], ['Shelves', 'First', 'C']);
  assert.deepEqual((await bp.getRecordById(made.id, id)).values, { [a.id]: 'kept', [after.fields[1].id]: '' });
});

test('a record of every type', async () => {
  const values = {
    [f.Title]: 'Chairs', [f.Amount]: 1250.5, [f.Due]: '2031-02-03T10:15:00.000Z', [f.State]: [f['State/Open']],
    [f.Way]: f['Way/Courier'], [f.Checks]: [f['Checks/Paid'], f['Checks/Filed']], [f.Urgent]: true, [f.Progress]: 40, [f.Stars]: 4,
    [f.Phone]: [{ contact: '+1 555 0100', comment: 'desk' }], [f.Owner]: [{ id: '1' }], [f.Vendor]: [{ catalogId: vendors, recordId: acme }],
    [f.Address]: { value: '12 Harbour St' }, [f.Files]: [{ src: 'https://files.example.com/plan.png', title: 'plan.png' }], [f.Note]: 'line 1\nline 2 ✓',
  };
  const made = await bp.postRecord(orders, values);
  assert.deepEqual([typeof made.id, made.catalogId, made.title], ['string', orders, 'Chairs']);

  const r = await bp.getRecordById(orders, made.id);
  assert.deepEqual([r.id, r.catalogId, r.title, r.privilegeCode], [made.id, orders, 'Chairs', 'access']);
  for (const name of ['Title', 'Amount', 'Due', 'State', 'Way', 'Checks', 'Urgent', 'Progress', 'Stars', 'Note']) {
    assert.deepEqual(r.values[f[name]], values[f[name]], name);
  }
  const [phone] = r.values[f.Phone];
  assert.deepEqual([phone.contact, phone.comment, typeof phone.id], ['+1 555 0100', 'desk', 'string']);
  const [owner] = r.values[f.Owner];
  assert.deepEqual([owner.id, owner.isRemoved, typeof owner.title], ['1', false, 'string']);
  const [link] = r.values[f.Vendor];
  assert.deepEqual([link.sectionId, link.catalogId, link.catalogTitle, link.catalogIcon, link.recordId, link.recordTitle, link.isRemoved],
    [sectionId, vendors, 'Vendors', 'users-10', acme, 'Acme Ltd', false]);
  assert.deepEqual(r.values[f.Address], { value: '12 Harbour St', provider: null, data: null });
  const [file] = r.values[f.Files];
  assert.deepEqual([file.title, file.url, file.typeStorage, typeof file.id], ['plan.png', 'https://files.example.com/plan.png', 'url', 'number']);
  assert.ok(!(f.Main in r.values), 'a group has no value');
});

test('an empty record has empty values', async () => {
  const { id } = await bp.postRecord(orders);
  const r = await bp.getRecordById(orders, id);
  assert.equal(r.title, `#${id}`);
  const empty = { Title: '', Amount: null, Due: null, State: [], Way: null, Checks: [], Urgent: false, Progress: null, Stars: null,
    Phone: [], Owner: [], Vendor: [], Address: null, Files: [], Note: '' };
  for (const [name, value] of Object.entries(empty)) assert.deepEqual(r.values[f[name]], value, name);
  await bp.deleteRecord(orders, id);
});

test('patchRecord answers what changed', async () => {
  const { id } = await bp.postRecord(orders, { [f.Title]: 'Old', [f.Amount]: 1 });
  const changed = await bp.patchRecord(orders, id, { [f.Title]: 'New', [f.State]: [f['State/Done']] });
  assert.deepEqual(changed, { id, catalogId: orders, title: 'New', values: { [f.Title]: 'New', [f.State]: [f['State/Done']] } });
  const r = await bp.getRecordById(orders, id);
  assert.deepEqual([r.values[f.Title], r.values[f.Amount]], ['New', 1]);
});

test('deleteRecord, and what links to it', async () => {
  const gone = (await bp.postRecord(vendors, { [v.Name]: 'Gone Inc' })).id;
  const { id } = await bp.postRecord(orders, { [f.Title]: 'Linked', [f.Vendor]: [{ catalogId: vendors, recordId: gone }] });
  await bp.patchRecord(vendors, gone, { [v.Name]: 'Gone Inc 2' });
  assert.equal((await bp.getRecordById(orders, id)).values[f.Vendor][0].recordTitle, 'Gone Inc 2');
  assert.ok(!(await bp.deleteRecord(vendors, gone)), 'the answer is empty');
  assert.equal((await failure(bp.getRecordById(vendors, gone))).status, 404);
  assert.equal((await failure(bp.deleteRecord(vendors, gone))).status, 404);
  const [link] = (await bp.getRecordById(orders, id)).values[f.Vendor];
  assert.deepEqual([link.recordId, link.recordTitle, link.isRemoved], [gone, 'Gone Inc 2', true]);
});

test('errors name the field and change nothing', async () => {
  const { id } = await bp.postRecord(orders, { [f.Title]: 'Steady' });
  const bad = await failure(bp.patchRecord(orders, id, { [f.Title]: 'Shaken', [f.Amount]: 'many', [f.Stars]: 9 }));
  assert.deepEqual([bad.status, bad.data.code, typeof bad.data.message], [400, 'validation_failed', 'string']);
  assert.deepEqual(bad.data.errors.map((e) => e.fieldId).sort(), [f.Amount, f.Stars].sort());
  assert.equal((await bp.getRecordById(orders, id)).title, 'Steady');
  assert.equal((await failure(bp.postRecord(orders, { 9999: 'x' }))).data.code, 'unknown_field');
  assert.equal((await failure(bp.getRecords(orders, { filters: [{ fieldId: '9999', value: 'x' }] }))).data.code, 'unknown_field');
});

test('getRecords: selections', async (t) => {
  const made = [];
  for (let i = 1; i <= 6; i++) {
    const r = await bp.postRecord(orders, {
      [f.Title]: `Select ${i}`, [f.Amount]: i * 1000, [f.Due]: `2030-01-0${i}T12:00:00.000Z`, [f.State]: [f[`State/${['New', 'Open', 'Done'][i % 3]}`]],
      [f.Checks]: i % 2 ? [f['Checks/Paid']] : [f['Checks/Paid'], f['Checks/Sent']], [f.Vendor]: [{ catalogId: vendors, recordId: i < 4 ? acme : beta }],
    });
    made.push(r.id);
  }
  const titles = async (params) => (await bp.getRecords(orders, params)).map((r) => r.title);
  const only = { fieldId: f.Title, value: 'select' };

  await t.test('array filters, newest first', async () => {
    assert.deepEqual(await titles({ filters: [only, { fieldId: f.Amount, value: { at: 2000, to: 3000 } }] }), ['Select 3', 'Select 2']);
    assert.deepEqual(await titles({ filters: [only, { fieldId: f.Due, value: { at: '2030-01-05', to: null } }] }), ['Select 6', 'Select 5']);
    assert.deepEqual(await titles({ filters: [only, { fieldId: f.State, value: [f['State/New'], f['State/Done']] }] }),
      ['Select 6', 'Select 5', 'Select 3', 'Select 2']);
  });
  await t.test('elements with an empty list are left out', async () => {
    assert.equal((await titles({ filters: [only, { fieldId: f.State, value: [] }] })).length, 6);
  });
  await t.test('check boxes: all of them', async () => {
    assert.deepEqual(await titles({ filters: [only, { fieldId: f.Checks, value: [f['Checks/Paid'], f['Checks/Sent']] }] }),
      ['Select 6', 'Select 4', 'Select 2']);
  });
  await t.test('JSON filters', async () => {
    const open = f['State/Open'], done = f['State/Done'];
    const filters = { $and: [{ [f.Title]: 'SELECT' }, { [f.State]: { $or: [[open], [done]] } }] };
    assert.deepEqual(await titles({ filters }), ['Select 5', 'Select 4', 'Select 2', 'Select 1']);
    assert.deepEqual(await titles({ filters: { [f.Title]: 'select', $or: [{ [f.Amount]: { to: 1000 } }, { [f.Amount]: 6000 }] } }), ['Select 6', 'Select 1']);
    assert.deepEqual(await titles({ filters: { [f.Title]: 'select', [f.Due]: 'NULL_DATE' } }), []);
  });
  await t.test('through links', async () => {
    const link = (value) => ({ fieldId: f.Vendor, value });
    assert.equal((await titles({ filters: [only, link([{ catalogId: vendors, recordId: acme }])] })).length, 3);
    assert.deepEqual(await titles({ filters: [only, link([{ catalogId: vendors, filters: [{ fieldId: v.Rating, value: { to: 3 } }] }])] }),
      ['Select 6', 'Select 5', 'Select 4']);
  });
  await t.test('by id', async () => {
    assert.deepEqual(await titles({ id: [made[0], made[1], '999999'] }), ['Select 2', 'Select 1']);
    assert.deepEqual(await titles({ id: [Number(made[2])] }), ['Select 3']);
  });
  await t.test('search folds case', async () => {
    const { id } = await bp.postRecord(orders, { [f.Title]: 'Straße Ёлка ΣΊΣΥΦΟΣ' });
    for (const searchText of ['ёЛКА', 'strasse', 'σίσυφος']) assert.deepEqual((await bp.getRecords(orders, { searchText })).map((r) => r.id), [id], searchText);
    await bp.deleteRecord(orders, id);
  });
  await t.test('sort, limit, offset', async () => {
    const params = { filters: [only], sortField: f.Amount, sortType: 1 };
    assert.deepEqual(await titles({ ...params, limit: 2, offset: 1 }), ['Select 2', 'Select 3']);
    assert.deepEqual(await titles({ ...params, sortType: -1, limit: 1 }), ['Select 6']);
    assert.deepEqual(await titles({ ...params, limit: 0 }), []);
    assert.equal((await failure(bp.getRecords(orders, { limit: 1_000_001 }))).data.code, 'limit_too_large');
  });
  await t.test('fields, nested', async () => {
    const fields = [f.Amount, { fieldId: Number(f.Vendor), fields: { [vendors]: [v.Phone] } }, '9999'];
    const [r] = await bp.getRecords(orders, { id: [made[0]], fields });
    assert.deepEqual(Object.keys(r.values).sort(), [f.Amount, f.Vendor].sort());
    const [link] = r.values[f.Vendor];
    assert.deepEqual([Object.keys(link.recordValues), link.recordValues[v.Phone][0].contact], [[v.Phone], '+1 555 0100']);
    assert.deepEqual((await bp.getRecordById(orders, made[0], { fields: [] })).values, {});
    assert.equal((await bp.getRecordById(orders, made[0])).values[f.Vendor][0].recordValues, undefined);
  });
});

test('history', async () => {
  const { id } = await bp.postRecord(orders, { [f.Title]: 'Told', [f.Amount]: 1 });
  await bp.patchRecord(orders, id, { [f.Amount]: 2 });
  const comment = await bp.addCommentToHistory(orders, id, 'Проверено: "ok"');
  assert.equal(typeof comment.id, 'string');
  const entries = await bp.getHistory(orders, id);
  assert.deepEqual(entries.map((e) => e.actionType), ['COMMENT', 'UPDATE', 'CREATE']);
  const [told, update, create] = entries;
  assert.deepEqual([told.id, told.payload.message], [comment.id, 'Проверено: "ok"']);
  assert.deepEqual(update.payload, { [f.Amount]: { oldValue: 1, newValue: 2 } });
  assert.deepEqual([create.payload[f.Title].newValue, create.catalogId, create.recordId, create.recordTitle, create.user.id], ['Told', orders, id, 'Told', '1']);
  assert.match(create.date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

  await bp.deleteRecord(orders, id);
  const feed = await bp.getHistory(orders, undefined, { limit: 2 });
  assert.deepEqual(feed.map((e) => [e.recordId, e.actionType]), [[id, 'REMOVED'], [id, 'COMMENT']]);
  assert.equal((await failure(bp.addCommentToHistory(orders, '999999', 'x'))).status, 404);
});

test('system catalogs have two names', async () => {
  const [me] = (await bp.getRecords('$users', {})).filter((r) => r.id === '1');
  const [same] = (await bp.getRecords(3, {})).filter((r) => r.id === '1');
  assert.deepEqual(me, same);
  assert.equal(me.catalogId, '$users');
  const numbers = Object.keys(me.values).filter((k) => /^\d+$/.test(k));
  assert.ok(numbers.length > 0 && '$name' in me.values, `keys ${Object.keys(me.values)}`);
  const once = await bp.getRecordById('$users', '1', { skipPrevId: true });
  assert.deepEqual(Object.keys(once.values).filter((k) => !k.startsWith('$')), []);
});

test('session: kept, lost, made again', async () => {
  const own = client();
  await own.getSection();
  const first = own.sidCookie;
  assert.match(first, /^connect\.sid=[^;]+$/);
  await own.getRecords(orders, { fields: [f.Title], limit: 1 });
  assert.equal(own.sidCookie, first, 'a call with the session changes no cookie');

  const out = await fetch(`${base}/auth/logout`, { method: 'POST', headers: { cookie: first } });
  assert.equal(out.status, 200);
  const dead = await fetch(`${base}/api/v1/sections`, { headers: { cookie: first } });
  assert.deepEqual([dead.status, dead.headers.get('www-authenticate')], [401, null]);

  const [r] = await own.getRecords(orders, { fields: [f.Title], limit: 1, filters: { [f.Title]: 'chairs' } });
  assert.deepEqual(Object.keys(r.values), [f.Title]);
  assert.match(own.sidCookie, /^connect\.sid=/);
  assert.notEqual(own.sidCookie, first);
});

test('credentials', async () => {
  const bad = await failure(client('пароль:with:other-colons').getSection());
  assert.deepEqual([bad.status, bad.data.code], [401, 'bad_credentials']);
  const plain = await fetch(`${base}/api/v1/sections`);
  assert.deepEqual([plain.status, plain.headers.get('www-authenticate')], [401, null]);
  const form = await fetch(`${base}/auth/login`, { method: 'POST', headers: { accept: 'application/json' },
    body: new URLSearchParams({ email: login, password: process.env.KT_PASSWORD }) });
  // After a failed attempt the next one may have to wait.
  assert.ok(form.status === 200 || (form.status === 429 && form.headers.get('retry-after')), `status ${form.status}`);
});
