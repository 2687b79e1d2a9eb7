// What the scripts share: clients of the server under test, and two catalogs.
import bpApi from 'bp-api';

const { KT_ADDR, KT_LOGIN, KT_PASSWORD } = process.env;
const BP = bpApi.default;

export const base = `http://${KT_ADDR}`;
export const login = KT_LOGIN;

/** A new client of its own, with the administrator's login. */
export const client = (password = KT_PASSWORD) => new BP(KT_ADDR, KT_LOGIN, password, 'http');

/** The status of a call that must fail. */
export async function failure(promise) {
  try {
    await promise;
  } catch (e) {
    if (e.response) return { status: e.response.status, data: e.response.data };
    throw e;
  }
  throw new Error('the call succeeded');
}

/** Field ids by name, and item ids by "Field/Item". */
export function ids(catalog) {
  const byName = {};
  for (const f of catalog.fields) {
    byName[f.name] = f.id;
    for (const item of f.config?.items ?? []) byName[`${f.name}/${item.name}`] = item.id;
  }
  return byName;
}

/** A section with catalogs Vendors and Orders; orders link to vendors. */
export async function catalogs(bp) {
  const section = await bp.postSection({ name: 'Purchasing', icon: 'content-3' });
  const vendors = await bp.postCatalog({
    name: 'Vendors', icon: 'users-10', sectionId: section.id,
    fields: [
      { name: 'Name', type: 'text', config: { type: 'text' } },
      { name: 'Phone', type: 'contact', config: { type: 'phone' } },
      { name: 'Rating', type: 'number', config: {} },
    ],
  });
  const items = (...names) => names.map((name) => ({ name, color: 'C9FDE5' }));
  const orders = await bp.postCatalog({
    name: 'Orders', icon: 'transfers-52', sectionId: section.id,
    fields: [
      { name: 'Main', type: 'group', config: {} },
      { name: 'Title', type: 'text', hint: 'What is ordered', config: { type: 'text' } },
      { name: 'Amount', type: 'number', config: {} },
      { name: 'Due', type: 'date', config: { time: true } },
      { name: 'State', type: 'dropdown', config: { multiselect: false, items: items('New', 'Open', 'Done') } },
      { name: 'Way', type: 'radiobutton', config: { items: [{ name: 'Post' }, { name: 'Courier' }] } },
      { name: 'Checks', type: 'checkboxes', config: { items: [{ name: 'Paid' }, { name: 'Sent' }, { name: 'Filed' }] } },
      { name: 'Urgent', type: 'switch', config: {} },
      { name: 'Progress', type: 'progress', config: {} },
      { name: 'Stars', type: 'stars', config: {} },
      { name: 'Phone', type: 'contact', config: { type: 'phone' } },
      { name: 'Owner', type: 'user', config: { multiselect: true } },
      { name: 'Vendor', type: 'object', config: { catalogs: [{ id: vendors.id }], multiselect: true } },
      { name: 'Address', type: 'address', config: {} },
      { name: 'Files', type: 'file', config: { multiselect: true } },
      { name: 'Note', type: 'text', config: { type: 'multiline' } },
    ],
  });
  return { sectionId: section.id, vendors: vendors.id, orders: orders.id };
}
