package server

import (
	"fmt"
	"strings"
	"testing"
)

// hosted are catalogs that scripts work with.
type hosted struct {
	*scripted
	partners, tags, deals string
	n                     int // scripts so far
}

func eachHosted(t *testing.T, test func(h *hosted)) {
	t.Helper()
	eachScripted(t, func(s *scripted) {
		h := &hosted{scripted: s}
		h.partners = h.made("POST", "/api/v1/catalogs", `{"name":"Partners","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"},{"name":"Discount","type":"number"}]}`)
		h.tags = h.made("POST", "/api/v1/catalogs", `{"name":"Tags","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"}]}`)
		h.deals = h.made("POST", "/api/v1/catalogs", `{"name":"Deals","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"},
			{"name":"Partner","type":"object","config":{"catalogs":[{"id":"`+h.partners+`"}]}},
			{"name":"Tags","type":"object","config":{"catalogs":[{"id":"`+h.tags+`"}],"multiselect":true}},
			{"name":"Sum","type":"number"},{"name":"Due","type":"date"},{"name":"State","type":"dropdown","config":{"items":[{"name":"New"},{"name":"Done"}]}},
			{"name":"Paid","type":"switch"},{"name":"At","type":"date","config":{"time":true}}]}`)
		test(h)
	})
}

// gives runs a script, as the boss, and looks at what it answers.
func (h *hosted) gives(name, source, want string) {
	h.Helper()
	h.n++
	code := fmt.Sprintf("script%d", h.n)
	h.address(code, "partners, tags, deals = env['"+h.partners+"'], env['"+h.tags+"'], env['"+h.deals+"']\n"+source)
	w := h.outside("GET", "/api/webrequest/"+code, "", "Authorization", basic())
	if got := w.Body.String(); got != want {
		h.Errorf("%s: it gives %s, want %s", name, got, want)
		if w.Code >= 500 {
			h.Log(h.call(200, "GET", "/api/v1/catalogs/$processes/records?limit=1", ""))
		}
	}
}

// What scripts of scenarios may do with records.
func TestScenarioRecords(t *testing.T) {
	eachHosted(t, func(h *hosted) {
		for _, c := range []struct{ name, source, want string }{
			{"create and read", `
ann = partners.create({'1': 'Ann', '2': 15})
bob = partners.create({'1': 'Bob'})
deal = deals.create({'1': 'first', '2': ann, '4': 10.5, '5': date(2024, 1, 2), '6': '1', '7': True, '8': datetime(2024, 1, 2, 3, 4, 5)})
body = [deal['1'], deal['2']['1'], deal['4'], deal['5'].year, deal['6'], deal['7'], deal['8'].hour, deal.read(['2', '5'])[0]['2'][1], deal['3'].ids, bob['2'], deal.display_name, deal._name == '` + h.deals + `']`,
				`["first","Ann",10.5,2024,"1",true,3,"Ann",[],false,"first",true]`},
			{"the user", `body = [env.user['$name'], env.uid, env.user._name, env.user.id == user['id'] or str(env.user.id) == user['id'], env.lang, env.company, env.cr.commit(), env.ref('x.y', raise_if_not_found=False)]`,
				`["Administrator",1,"$users",true,"en_US",null,null,null]`},
			{"counts", `
tags.create([{'1': 'tag %d' % n} for n in range(3)])
body = [tags.search_count([]), tags.search_count([('1', '=', 'tag 1')]), tags.search_count([('1', 'ilike', 'TAG')], limit=2), tags.search([], count=True), tags.search_count([('1', '=', 'tag')])]`,
				`[3,1,2,3,0]`},
			{"name_search", `
found = partners.name_search('an')
body = [[n for _, n in found], partners.browse(found[0][0])['1'], [n for _, n in partners.name_search('Ann', operator='=')], [n for _, n in partners.name_search('b', [('1', '!=', 'Bob')])],
 [n for _, n in partners.name_search(limit=1)], len(partners.name_search())]`, `[["Ann"],"Ann",["Ann"],[],["Ann"],2]`},
			{"copy", `
deal = deals.search([('1', '=', 'first')])
deal.write({'3': tags.search([('1', '=', 'tag 1')])})
twin = deal.copy({'1': 'twin', '4': None})
body = [twin['1'], twin['4'], twin['2']['1'], twin['3'].mapped('1'), twin['5'].day, twin['6'], twin['7'], twin['8'].minute, twin != deal, deals.search_count([])]`,
				`["twin",false,"Ann",["tag 1"],2,"1",true,4,true,2]`},
			{"copy of what links a removed record", `
deal = deals.search([('1', '=', 'first')])
gone = tags.search([('1', '=', 'tag 2')])
deal.write({'3': [Command.link(gone.id)]})
gone.unlink()
third = deal.copy()
body = [third['3'].mapped('1'), third['4']]
third.unlink()`, `[["tag 1"],10.5]`},
			{"unlink and exists", `
twin = deals.search([('1', '=', 'twin')])
both = deals.search([])
twin.unlink()
body = [both.exists().mapped('1'), twin.exists().ids, len(deals.browse([])), deals.unlink()]
try: twin['1']
except Exception as e: body.append(type(e).__name__)
try: twin.write({'1': 'x'})
except Exception as e: body.append(type(e).__name__)`, `[["first"],[],0,true,"MissingError","MissingError"]`},
			{"numbers and texts of ids", `
deal = deals.search([])
body = [deals.browse(str(deal.id)) == deal, deal in deals.browse([str(deal.id)]), deals.browse(str(deal.id)).id == deal.id]`, `[true,true,true]`},
			{"functions", `
for n in range(3): deals.create({'1': 'f%d' % n, '4': n, '7': n == 1, '2': partners.search([('1', '=', 'Bob')]) if n else False})
f = deals.search([('1', 'ilike', 'f%')]) or deals.search([('1', 'like', 'f'), ('4', '<', 9)], order='4 desc')
body = [f.mapped('1'), f.filtered('7').mapped('1'), f.filtered(lambda r: r['4'] > 0).mapped('4'), f.mapped('2.1'), f.sorted('4').mapped('4'), f.sorted(lambda r: r['1'], reverse=True)[0]['1'],
 f.filtered_domain([('4', '>=', 1)]).mapped('1'), {str(k): len(v) for k, v in f.grouped('7').items()}, len(f[:2]), bool(f[0]['2']) or f.ids == [r.id for r in f]]`,
				`[["f2","f1","f0"],["f1"],[2,1],["Bob"],[0,1,2],"f2",["f2","f1"],{"False":2,"True":1},2,true]`},
			{"fields", `
about = deals.fields_get()
body = ['1' in deals._fields, 'x' in deals._fields, about['2']['relation'] == '` + h.partners + `', [about[k]['type'] for k in ('1', '2', '3', '4', '5', '6', '7', '8')], about['1']['string']]`,
				`[true,false,true,["char","many2one","many2many","float","date","selection","boolean","datetime"],"Name"]`},
			{"a record of its own id", `
found = partners.search([('1', '=', 'Coded')])
deal = deals.create({'1': 'of coded', '2': found})
body = [found.id, partners.browse('coded') == found, deal['2'] == found, deal['2']['2'], [i for i, _ in partners.name_search('Coded')]]`,
				`["coded",true,true,7,["coded"]]`},
		} {
			if strings.Contains(c.name, "its own id") {
				h.call(200, "POST", "/api/v1/catalogs/"+h.partners+"/records", `{"id":"coded","values":{"1":"Coded","2":7}}`)
			}
			h.gives(c.name, c.source, c.want)
		}
		h.address("nobody", `body = [env.uid, env.user['$name'], bool(env.user), env.user.ids]`)
		h.answers("nobody's run", h.outside("GET", "/api/webrequest/nobody", ""), 200, `[false,false,false,[]]`)
	})
}

// What searches of scenarios understand.
func TestScenarioDomains(t *testing.T) {
	eachHosted(t, func(h *hosted) {
		h.gives("records", `
ann, bob = partners.create([{'1': 'Ann', '2': 1}, {'1': 'Bob', '2': 2}])
for n, p in enumerate([ann, bob, False, ann]):
    deals.create({'1': ['one', 'two', 'three', 'one more'][n], '2': p, '4': n, '7': n == 2, '5': date(2024, 1, n + 1)})
body = len(deals.search([]))`, "4")
		for _, c := range []struct{ domain, want string }{
			{`[('1', '=', 'one')]`, `["one"]`},
			{`[('1', '!=', 'one')]`, `["two","three","one more"]`},
			{`[('1', 'in', ['one', 'two', 'nine'])]`, `["one","two"]`},
			{`[('1', 'not in', ['one', 'two'])]`, `["three","one more"]`},
			{`['|', ('1', '=', 'one'), ('4', '=', 2)]`, `["one","three"]`},
			{`['!', ('1', '=', 'one'), ('4', '<', 3)]`, `["two","three"]`},
			{`['&', '!', ('4', '=', 0), '|', ('1', '=', 'two'), ('7', '=', True)]`, `["two","three"]`},
			{`[('1', 'ilike', 'ONE')]`, `["one","one more"]`},
			{`[('1', 'not ilike', 'ONE')]`, `["two","three"]`},
			{`[('2', '=', False)]`, `["three"]`},
			{`[('2', '!=', False), ('4', '>', 0)]`, `["two","one more"]`},
			{`[('2', '=', partners.search([('1', '=', 'Bob')]).id)]`, `["two"]`},
			{`[('2', 'in', partners.search([]).ids)]`, `["one","two","one more"]`},
			{`[('2.1', '=', 'Ann')]`, `["one","one more"]`},
			{`[('2.1', '!=', 'Ann')]`, `["two"]`},
			{`[('2.1', '=', 'An')]`, `[]`},
			{`[('2.2', '>=', 2)]`, `["two"]`},
			{`[('partner.discount', '<', 2), ('sum', '>', 1)]`, `["one more"]`},
			{`[('2', 'ilike', 'an')]`, `["one","one more"]`},
			{`[('5', '>=', '2024-01-02'), ('5', '<=', date(2024, 1, 3))]`, `["two","three"]`},
			{`[('1', '=?', False), ('Name', '=?', 'two')]`, `["two"]`},
			{`[('id', 'in', deals.search([('1', '=', 'one')]).ids)]`, `["one"]`},
			{`[('nope', '=', 1)]`, `the domain cannot be read: there is no field nope`},
			{`[('4.1', '=', 1)]`, `the domain cannot be read: there is no field 4.1`},
			{`[('1', 'in', ['x%d' % n for n in range(2000)] + ['one'])]`, `["one"]`},
			{`[('4', 'in', list(range(2, 5000)))]`, `["three","one more"]`},
			{`[('2', 'in', list(range(50, 3000)) + partners.search([('1', '=', 'Bob')]).ids + [False])]`, `["two","three"]`},
			{`[('1', 'in', ['x'] * 10001)]`, `the domain cannot be read: a list has more than 10000 values`},
			{`['|', ('1', '=', 'two'), '!', ('1', 'in', ['two', 'three', ''])]`, `["one","two","one more"]`},
			{`[('2', 'any', [('2', '>', 1)])]`, `["two"]`},
			{`[('2', 'not any', [('2', '>', 1)])]`, `["one","three","one more"]`},
			{`[('1', 'any', [])]`, `the domain cannot be read: 1 links no records of one catalog`},
			{`[('2', 'child_of', 1)]`, `the domain cannot be read: there is no operator child_of`},
			{`[('2' + '.1' * 60, '=', 'x')]`, "the domain cannot be read: the path is too long"},
			{`[('1', '~', 1)]`, `the domain cannot be read: there is no operator ~`},
			{`['|', ('1', '=', 1)]`, `the domain cannot be read: the operator | lacks an operand`},
		} {
			h.gives(c.domain, `
try: body = deals.search(`+c.domain+`).sorted('id').mapped('1')
except ValueError as e: body = str(e)`, c.want)
		}
		h.gives("orders", `body = [deals.search([], order=o, limit=2).mapped('1') for o in ('id', 'id desc', '4 desc', 'sum', 'create_date', 'name desc', '7 desc, 4 desc', '7,4 desc,id')]`,
			`[["one","two"],["one more","three"],["one more","three"],["one","two"],["one","two"],["two","three"],["three","one more"],["one more","two"]]`)
	})
}

// Fields have names besides their ids.
func TestScenarioNames(t *testing.T) {
	eachHosted(t, func(h *hosted) {
		h.call(200, "PATCH", "/api/v1/catalogs/"+h.tags, `{"fields":[{"id":"1","name":"Назва об'єкта, №"},{"name":"Twice","type":"number"},{"name":"twice","type":"number"},{"name":"Straße ÉCOLE","type":"text"},
			{"name":"f1","type":"text"},{"name":"ID","type":"text"}]}`)
		h.gives("names", `
ann = partners.create({'name': 'Ann', 'Discount': 3})
deal = deals.create({'f1': 'd', 'partner': ann, 'sum': 2, 'Due': date(2024, 1, 2)})
deal.sum += 1
deal['Name'] = 'renamed'
deal.noted = 5
deal.at = fields.Datetime.now()
assert deal.at.year == fields.Date.today().year, deal.at
body = [deal.name, deal.f1, deal.Name, deal['1'], deal.sum, deal.partner.discount, deal.mapped('partner.name'), deal.due.day, deal.noted, 'sum' in deal._fields, 'nope' in deal._fields,
 deal.read(['name', '4'])[0]['name'], sorted(deal.read(['name'])[0]), deals.search([('partner', '=', ann.id)]) == deal, deal._fields['partner'].comodel_name == partners._name,
 deal.create_date.year, deal.write_date >= deal.create_date, hasattr(deal, 'twice')]`,
			`["renamed","renamed","renamed","renamed",3,3,["Ann"],2,5,true,false,"renamed",["create_date","display_name","id","name","write_date"],true,true,2027,true,false]`)
		h.gives("other alphabets", `
tag = tags.create({'1': 'a', '4': 'b', '5': 'c', '6': 'd'})
body = [tag.nazva_obiekta, tag['Назва об\'єкта, №'], tag.strasse_ecole if hasattr(tag, 'strasse_ecole') else tag['Straße ÉCOLE'], tag.f1, tag.f5, tag.id == tag.ids[0], tag['ID']]
for name in ('Twice', 'twice'):
    try: body.append(tag[name])
    except KeyError: body.append('no ' + name)`, `["a","a","b","a","c",true,"d",false,"no twice"]`)
	})
}

// Command changes what is linked, one after the other, together with the record.
func TestScenarioCommands(t *testing.T) {
	eachHosted(t, func(h *hosted) {
		for _, c := range []struct{ name, source, want string }{
			{"create", `
a, b = tags.create([{'1': 'a'}, {'1': 'b'}])
deal = deals.create({'1': 'd', '3': [Command.create({'1': 'made'}), Command.link(a.id), (0, 0, {'1': 'made too'})], '2': [Command.create({'1': 'Ann'})]})
body = [deal['3'].mapped('1'), deal['2']['1'], tags.search_count([])]`, `[["made","a","made too"],"Ann",4]`},
			{"link and unlink", `
a, b = tags.search([('1', 'in', ['a'])]), tags.search([('1', '=', 'b')])
deal = deals.search([('1', '=', 'd')])
deal['3'] = [Command.link(b.id)]
body = [deal['3'].mapped('1')]
deal.write({'3': [Command.unlink(a.id), Command.link(b.id)]})
body.append([deal['3'].mapped('1'), a.exists()['1']])`, `[["made","a","made too","b"],[["made","made too","b"],"a"]]`},
			{"update and delete", `
deal = deals.search([('1', '=', 'd')])
made, too, b = deal['3']
deal.write({'3': [Command.update(made.id, {'1': 'renamed'}), Command.delete(too.id)], '2': [Command.update(deal['2'].id, {'2': 5})]})
body = [deal['3'].mapped('1'), bool(too.exists()), deal['2']['2'], tags.search_count([])]`, `[["renamed","b"],false,5,3]`},
			{"set and clear", `
deal = deals.search([('1', '=', 'd')])
deal.write({'3': [Command.set(tags.search([('1', '=', 'a')]).ids), Command.link(tags.search([('1', '=', 'b')]).id)]})
body = [deal['3'].mapped('1')]
deal.write({'3': [Command.clear()]})
body.append(deal['3'].ids)
deal.write({'3': tags.search([('1', '=', 'a')])})
deal.write({'3': []})
body.append(deal['3'].ids)`, `[["a","b"],[],[]]`},
			{"several records", `
two = deals.search([('1', '=', 'd')]) + deals.create({'1': 'e', '3': tags.search([('1', '=', 'a')])})
two.write({'3': [Command.create({'1': 'own'})]})
body = [two[0]['3'].mapped('1'), two[1]['3'].mapped('1'), two[0]['3'] == two[1]['3']]`, `[["own"],["a","own"],false]`},
			{"too many", `
deal = deals.search([('1', '=', 'e')])
body = []
for wrong in ([Command.link(1)] * 1001, [Command.create({})] * 501, [Command.set([1] * 10001)], [Command.update(1, {'1': 'x'})] * 1000 + [(0,)], [Command.create({'1': [[[]]]})] * 2):
    try: deal.write({'3': wrong, '1': 'never'})
    except Exception as e: body.append(type(e).__name__)
body.append(deal.exists()['1'])`, `["ValueError","ValueError","ValueError","ValueError","RuntimeError","e"]`},
			{"all or none", `
deal = deals.search([('1', '=', 'e')])
was = tags.search_count([])
body = []
for wrong in ({'3': [Command.create({'1': 'lost'})], '4': 'no number'}, {'3': [Command.create({'nope': 1})]}, {'3': [[9, 1, 1]]}, {'3': [Command.create({'1': 'lost'}), Command.link(999999)]},
 {'3': [Command.create(5)]}, {'3': [Command.update(999999, {'1': 'x'})]}):
    try: deal.write(wrong)
    except Exception as e: body.append(type(e).__name__)
body.append([tags.search_count([]) - was, deal['3'].mapped('1')])`, `["RuntimeError","ValueError","ValueError","RuntimeError","ValueError","MissingError",[0,["a","own"]]]`},
		} {
			h.gives(c.name, c.source, c.want)
		}
	})
}

// Values that a scenario answers are given as it writes: names, records, no value.
func TestScenarioGives(t *testing.T) {
	eachHosted(t, func(h *hosted) {
		const source = `partners = env['%s']
if 'sum' in values or values.get('4') == 1:
    body = {'values': {'partner': partners.create({'name': 'Ann'}), 'Due': date(2024, 1, 2), 'Paid': True, 'state': 2}}
else:
    body = {'values': {'partner': False, 'sum': False, 'name': None, 'paid': False, 'Due': partners.browse().discount, 'nope': 1}}
`
		h.on(h.deals, `"$record.before.create","$record.before.update","$record.updating"`, fmt.Sprintf(source, h.partners), `,"$fields":"4"`)
		path := "/api/v1/catalogs/" + h.deals
		id := h.made("POST", path+"/records", `{"values":{"1":"d","4":1}}`)
		filled := h.call(200, "GET", path+"/records/"+id, "")
		for _, want := range []string{`"recordTitle":"Ann"`, `"4":1,"5":"2024-01-02`, `"6":["2"],"7":true`} {
			if !strings.Contains(filled, want) {
				h.Errorf("the record lacks %s: %s", want, filled)
			}
		}
		h.call(200, "PATCH", path+"/records/"+id, `{"values":{"4":2}}`)
		h.refuses("an emptied record", 200, "GET", path+"/records/"+id, "", `{"1":"","2":[],"3":[],"4":null,"5":null,"6":["2"],"7":false,"8":null}`)
		h.refuses("a card", 200, "POST", path+"/changes", `{"values":{"4":1},"allValues":{"1":"d","4":1}}`, `"5":"2024-01-02`)
		h.refuses("an emptied card", 200, "POST", path+"/changes", `{"values":{"4":2},"allValues":{"1":"d","4":2}}`, `"values":{"1":"","2":[],"4":null,"5":null,"7":false},"errors":[]`)
	})
}

// A message to a record is a comment of its history.
func TestScenarioComments(t *testing.T) {
	eachHosted(t, func(h *hosted) {
		h.gives("a message", `deal = deals.create({'1': 'd'})
body = deal.message_post(body='Called by a scenario')`, "true")
		deal := h.call(200, "GET", "/api/v1/catalogs/"+h.deals+"/records", "")
		id := strings.SplitN(strings.SplitN(deal, `"id":"`, 2)[1], `"`, 2)[0]
		h.refuses("the history", 200, "GET", "/api/v1/histories?catalogId="+h.deals+"&recordId="+id, "", "Called by a scenario")
	})
}
