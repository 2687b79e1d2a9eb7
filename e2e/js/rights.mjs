// Views, relations, candidates and rights through bp-api as published: what an
// administrator sets up, and what an employee then sees.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import bpApi from 'bp-api';
import { base, catalogs, client, failure, ids, login } from './setup.mjs';

const bp = client();
const password = 'пароль:bob';
let sectionId, vendors, orders, f, v, acme, beta, chairs, tables, bob, bobID;

/** A call that the client has no method for. */
async function call(method, path, body, as = [login, process.env.KT_PASSWORD]) {
  const res = await fetch(`${base}/api/v1${path}`, {
    method, body: body && JSON.stringify(body),
    headers: { authorization: `Basic ${Buffer.from(as.join(':')).toString('base64')}` },
  });
  const text = await res.text();
  assert.equal(res.status, 200, text);
  return text && JSON.parse(text);
}

const subject = (recordId) => ({ userAttr: 'id', catalogId: '3', recordId });
const rules = (object, ...list) => call('POST', '/rights', { object, rules: list.map(([recordId, privilegeCode, fields]) => ({ rightSubject: subject(recordId), privilegeCode, fields })) });

before(async () => {
  ({ sectionId, vendors, orders } = await catalogs(bp));
  f = ids(await bp.getCatalog(orders));
  v = ids(await bp.getCatalog(vendors));
  acme = (await bp.postRecord(vendors, { [v.Name]: 'Acme Ltd', [v.Phone]: [{ contact: '+1 555 0100', comment: 'desk' }], [v.Rating]: 5 })).id;
  beta = (await bp.postRecord(vendors, { [v.Name]: 'Béta & Sons', [v.Rating]: 2 })).id;
  bobID = (await bp.postRecord('$users', { $name: 'Bob', $email: 'bob@example.com', $password: password })).id;
  bob = new bpApi.default(base.replace('http://', ''), 'bob@example.com', password, 'http');
  chairs = (await bp.postRecord(orders, { [f.Title]: 'Chairs', [f.Amount]: 10, [f.Owner]: [{ id: bobID }], [f.Vendor]: [{ catalogId: vendors, recordId: acme }] })).id;
  tables = (await bp.postRecord(orders, { [f.Title]: 'Tables', [f.Amount]: 99, [f.Owner]: [{ id: '1' }], [f.Vendor]: [{ catalogId: vendors, recordId: acme }, { catalogId: vendors, recordId: beta }] })).id;
});

test('relations', async () => {
  const [r, ...more] = await bp.getRelations(vendors, acme);
  assert.deepEqual([more.length, r.id, r.sectionId, r.title, r.icon, r.fieldId, r.fieldName, r.privilegeCode, r.recordsTotal],
    [0, orders, sectionId, 'Orders', 'transfers-52', f.Vendor, 'Vendor', 'admin', 2]);
  assert.deepEqual(r.records.map((x) => [x.id, x.title]), [[tables, 'Tables'], [chairs, 'Chairs']]);
  assert.match(r.records[0].created, /^\d{4}-\d\d-\d\dT/);
  const [page] = await bp.getRelations(vendors, acme, { catalogId: [orders, vendors], fieldId: f.Vendor, limit: 1, sortField: f.Amount, sortType: 1 });
  assert.deepEqual([page.records.map((x) => x.id), page.recordsTotal], [[chairs], 2]);
  assert.deepEqual(await bp.getRelations(vendors, acme, { catalogId: [vendors] }), []);
  assert.equal((await failure(bp.getRelations(vendors, '999999'))).status, 404);
});

test('available records', async () => {
  const all = await bp.getAvailableRecords(orders, f.Vendor);
  assert.deepEqual(all.map((x) => [x.catalogId, x.recordId, x.recordTitle, x.recordValues]), [[vendors, acme, 'Acme Ltd', {}], [vendors, beta, 'Béta & Sons', {}]]);
  assert.deepEqual((await bp.getAvailableRecords(orders, f.Vendor, { title: 'BÉTA' })).map((x) => x.recordId), [beta]);
  assert.deepEqual(await bp.getAvailableRecords(orders, f.Vendor, { title: 'acme', catalogId: orders }), []);
  assert.deepEqual((await bp.getAvailableRecords(orders, f.Owner, { title: 'bob' })).map((x) => x.recordTitle), ['Bob']);
  assert.equal((await failure(bp.getAvailableRecords(orders, f.Title))).status, 400);
});

test('views', async () => {
  const made = await call('POST', `/catalogs/${orders}/views/`, { name: 'Dear', originName: 'Dear ones', forRights: false, filters: [{ attr: f.Amount, value: { at: 50 } }] });
  assert.equal(typeof made.id, 'string');
  const listed = await bp.getView(orders);
  assert.deepEqual(listed.map((x) => [x.id, x.name, x.forRights, x.catalogId, x.catalogTitle]), [[made.id, 'Dear', false, orders, 'Orders']]);
  const one = await bp.getView(orders, made.id);
  assert.deepEqual(one.filters.map(({ fieldId, attr, value }) => ({ fieldId, attr, value })), [{ fieldId: f.Amount, attr: f.Amount, value: { at: 50 } }]);
  assert.deepEqual((await bp.getRecords(orders, { viewId: made.id })).map((r) => r.id), [tables]);
  await bp.patchView(orders, made.id, { name: 'Cheap', filters: [{ fieldId: f.Vendor, value: [{ catalogId: vendors, recordId: beta }] }] });
  const after = await bp.getView(orders, made.id);
  assert.deepEqual([after.name, after.filters[0].value[0].recordTitle, after.filters[0].value[0].catalogIcon], ['Cheap', 'Béta & Sons', 'users-10']);
  assert.equal((await failure(bp.getView(orders, '999999'))).status, 404);
  assert.equal((await failure(bp.getRecords(orders, { viewId: '999999' }))).status, 404);
});

test('an employee under a legal view', async () => {
  await rules({ sectionId }, ['1', 'admin']);
  assert.equal((await failure(bob.getRecords(orders, {}))).status, 403);
  assert.ok(!(await bob.getSection()).some((s) => s.id === sectionId));

  const { id } = await call('POST', `/catalogs/${orders}/views/`, { name: 'Mine', forRights: true, filters: [{ fieldId: f.Owner, value: ['CURRENT_USER'] }] });
  await rules({ catalogId: orders, viewId: id }, [bobID, 'edit', { [f.Amount]: 'hide', [f.Note]: 'view' }]);
  assert.deepEqual((await bob.getCatalog()).map((c) => c.id).filter((c) => [orders, vendors].includes(c)), [orders]);
  const catalog = await bob.getCatalog(orders);
  assert.ok(catalog.privilegeCode === 'search' && !catalog.fields.some((x) => x.id === f.Amount));
  assert.deepEqual((await bob.getView(orders)).map((x) => [x.name, x.privilegeCode]), [['Mine', 'edit']]);
  assert.deepEqual((await bob.getAllRecords(orders, {})).map((r) => r.id), [chairs]);
  assert.deepEqual((await bob.getRecords(orders, { viewId: id })).map((r) => r.id), [chairs]);

  const own = await bob.getRecordById(orders, chairs);
  assert.ok(!(f.Amount in own.values) && own.values[f.Vendor][0].recordTitle === 'Acme Ltd');
  assert.deepEqual([own.privilegeCode, own.fieldPrivilegeCodes, own.viewsIds], ['edit', { [f.Amount]: 'hide', [f.Note]: 'view' }, [id]]);
  assert.equal((await failure(bob.getRecordById(orders, tables))).status, 403);
  assert.equal((await failure(bob.getRecordById(orders, '999999'))).status, 404);
  assert.equal((await failure(bob.getRecords(orders, { filters: { [f.Amount]: 10 } }))).data.code, 'field_hidden');
  assert.deepEqual((await bob.getRecords(orders, { searchText: 'tables' })), []);
  assert.equal((await failure(bob.patchRecord(orders, chairs, { [f.Note]: 'x' }))).data.code, 'field_readonly');
  assert.equal((await failure(bob.deleteRecord(orders, chairs))).status, 403);
  assert.equal((await bob.patchRecord(orders, chairs, { [f.Title]: 'Two chairs' })).title, 'Two chairs');
  for (const e of await bob.getHistory(orders, chairs)) assert.ok(!(f.Amount in e.payload));
  assert.equal((await failure(bob.getHistory(orders, tables))).status, 403);

  // Candidates are titles for whom the vendors are closed; their values are not.
  assert.deepEqual((await bob.getAvailableRecords(orders, f.Vendor)).map((x) => x.recordTitle), ['Acme Ltd', 'Béta & Sons']);
  assert.equal((await failure(bob.getRelations(vendors, acme))).status, 403);
  await rules({ catalogId: vendors }, [bobID, 'view', { [v.Name]: 'hide' }]);
  assert.deepEqual((await bob.getAvailableRecords(orders, f.Vendor)).map((x) => x.recordTitle), [`#${acme}`, `#${beta}`]);
  assert.deepEqual((await bob.getRelations(vendors, acme)).map((r) => [r.records.map((x) => x.title), r.recordsTotal]), [[['Two chairs'], 1]]);
  const [contact] = await call('GET', '/contacts?searchText=5550100', undefined, ['bob@example.com', password]);
  assert.deepEqual([contact.recordTitle, contact.recordValues], [`#${acme}`, { [v.Phone]: '+1 555 0100' }]);

  // Handing a record over is allowed, and takes it out of sight.
  await bob.patchRecord(orders, chairs, { [f.Owner]: [{ id: '1' }] });
  assert.equal((await failure(bob.getRecordById(orders, chairs))).status, 403);
  await call('DELETE', `/catalogs/${orders}/views/${id}`);
  assert.equal((await failure(bob.getRecords(orders, {}))).status, 403);
});

test('reports from memory', async () => {
  const values = [{ name: 'Title', type: 'text' }, { name: 'Sum', type: 'number' }, { name: 'Seller', type: 'user' }];
  const { id } = await bp.postCatalog({ name: 'Deals', sectionId, fields: values });
  const d = ids(await bp.getCatalog(id));
  const made = [];
  for (const [title, sum, seller] of [['A', 10.1, '1'], ['A', 20.2, bobID], ['B', 30, bobID]]) made.push((await bp.postRecord(id, { [d.Title]: title, [d.Sum]: sum, [d.Seller]: [{ id: seller }] })).id);
  const ask = { axis: { type: 'field', value: d.Title }, value: { type: 'field', value: d.Sum } };
  const sums = async (as) => (await as.getValues(id, ask)).map((g) => [g.axis, g.values[0].value]);
  const engine = async () => (await call('GET', `/catalogs/${id}/values?explain=true&axis[type]=field&axis[value]=${d.Title}&value[type]=field&value[value]=${d.Sum}`)).explain[0].engine;
  let answered = await engine();
  for (let i = 0; answered !== 'columns' && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answered = await engine();
  }
  assert.equal(answered, 'columns');
  assert.deepEqual(await sums(bp), [['A', 30.3], ['B', 30]]);
  const { id: view } = await call('POST', `/catalogs/${id}/views/`, { name: 'Mine', forRights: true, filters: [{ fieldId: d.Seller, value: ['CURRENT_USER'] }] });
  await rules({ catalogId: id }, ['1', 'admin']);
  await rules({ catalogId: id, viewId: view }, [bobID, 'view']);
  assert.deepEqual(await sums(bob), [['A', 20.2], ['B', 30]]);
  for (let i = 1; i <= 20; i++) { // each answer has the write before it
    await bp.patchRecord(id, made[2], { [d.Sum]: i });
    assert.deepEqual(await sums(i % 2 ? bob : bp), [['A', i % 2 ? 20.2 : 30.3], ['B', i]]);
  }
  await bp.patchRecord(id, made[1], { [d.Seller]: [{ id: '1' }] });
  assert.deepEqual(await sums(bob), [['B', 20]]);
  await bp.deleteRecord(id, made[2]);
  assert.deepEqual(await sums(bob), []);
  assert.equal(await engine(), 'columns');
});

test('boards and widgets', async () => {
  const made = await bp.postCatalog({ name: 'Sales', sectionId, fields: [{ name: 'Title', type: 'text' }, { name: 'Sum', type: 'number' }, { name: 'Seller', type: 'user' }] });
  const s = ids(await bp.getCatalog(made.id));
  for (const [title, sum, seller] of [['A', 10, '1'], ['B', 20, bobID], ['C', 30, bobID]]) await bp.postRecord(made.id, { [s.Title]: title, [s.Sum]: sum, [s.Seller]: [{ id: seller }] });
  const [board, ...more] = await call('GET', `/boards?catalogId=${made.id}`);
  assert.deepEqual([more.length, board.catalogId, board.viewId, board.layouts], [0, made.id, null, {}]);
  const stored = (body) => call('POST', `/boards/${board.id}/widgets`, { chartType: 'columns', ...body });
  const bySeller = await stored({ name: 'By seller', value: { type: 'field', value: s.Sum }, axis: { type: 'field', value: s.Seller }, recordsFilter: { filters: [{ fieldId: s.Sum, value: { at: 15 } }] } });
  const ofAll = await stored({ axis: { type: 'field', value: s.Seller }, recordsType: 'all' });

  const sums = (groups) => groups.map((g) => [g.axis?.title ?? g.axis, g.values[0].value]);
  assert.deepEqual(sums(await bp.getWidget(board.id, {}, bySeller.id)), [['Bob', 50]]);
  assert.deepEqual(sums(await bp.getWidget(board.id, { recordsFilter: { filters: { [s.Title]: 'b' } } }, bySeller.id)), [['Bob', 20]]);
  assert.deepEqual((await bp.getWidget(board.id, { valueFn: 'max', axis: { type: 'field', value: s.Title } }, bySeller.id, 'totals')).map((t) => t.value), [30, 25, 2]);
  assert.deepEqual(sums(await bp.getWidget(board.id, { axis: { type: 'field', value: s.Title }, recordsFilter: { filters: { [s.Sum]: { to: 20 } } } })), [['A', 1], ['B', 1]]);
  assert.deepEqual((await bp.getWidget(board.id, {}, 'new', 'totals')).map((t) => [t.key, t.value]), [['sum', 3], ['avg', 3], ['count', 3]]);

  const { id: view } = await call('POST', `/catalogs/${made.id}/views/`, { name: 'Own', forRights: true, filters: [{ fieldId: s.Seller, value: ['CURRENT_USER'] }] });
  await rules({ catalogId: made.id, viewId: view }, [bobID, 'view', { [s.Sum]: 'hide' }]);
  const [own] = await call('GET', `/boards?viewId=${view}`, undefined, ['bob@example.com', password]);
  assert.deepEqual((await bob.getWidget(own.id, {}, 'new', 'totals')).map((t) => t.value), [2, 2, 2]);
  assert.deepEqual((await failure(bob.getWidget(board.id, {}, bySeller.id))).data.code, 'field_hidden');
  assert.deepEqual((await bob.getWidget(board.id, {}, ofAll.id, 'totals')).at(-1).value, 3);
  assert.deepEqual((await bob.getWidget(board.id, { recordsFilter: { searchText: 'a' } }, ofAll.id, 'totals')).at(-1).value, 0);
  assert.equal((await failure(bob.getWidget(board.id, { recordsType: 'all' }))).status, 403);
  assert.equal((await failure(bp.getWidget('999999'))).status, 404);
});
