package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/store/testdb"
)

// eachPython is eachSynced with an interpreter.
func eachPython(t *testing.T, test func(s *synced)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(openSynced(t, target, "SCRIPT_PYTHON="+python(t))) })
}

// pyLine is a python line of the partners.
func pyLine(value, key, field, mode, source, more string) string {
	text, _ := json.Marshal(source)
	return fmt.Sprintf(`{"value_type":%q,"external_key":%q,"field":%q,"script_mode":%q,"script":%s%s}`, value, key, field, mode, text, more)
}

// scriptedEndpoint makes an endpoint with lines besides name and ref, and other attributes.
func (s *synced) scriptedEndpoint(name string, more string, lines ...string) {
	s.Helper()
	all := append([]string{
		`{"field":"1","external_key":"name","required":true}`, `{"field":"2","external_key":"ref","is_record_identifier":true}`,
	}, lines...)
	s.config(`{"code":"`+name+`","name":"`+name+`","request_type":"in","model":"`+s.partners+`","endpoint":"`+name+`","run_as":1,
		"methods":["GET","POST","PUT","DELETE"],"rate_limit":{"per_minute_ip":0,"per_hour_key":0},
		"credentials":[{"label":"shop","type":"bearer","secret":"`+shopKey+`"}],"lines":[`+strings.Join(all, ",")+`]`+more+`}`, 200)
}

// attribute is a script of a config, with a comma before it.
func attribute(name, source string) string {
	text, _ := json.Marshal(source)
	return `,"` + name + `":` + string(text)
}

// shows compares members of an answer's data.
func (s *synced) shows(what string, a syncAnswer, key string, want any) {
	s.Helper()
	if got := s.values(a)[key]; fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("%s: %s is %v, want %v", what, key, got, want)
	}
}

func TestSyncScriptLines(t *testing.T) {
	eachPython(t, func(s *synced) {
		s.call(200, "PATCH", "/api/v1/sync/settings", `{"model_aliases":{"res.partner":"`+s.partners+`","res.country":"`+s.countries+`"}}`)
		out := `,{"field":"3","external_key":"b","direction":"out"}`
		for i, c := range []struct {
			name, line, body string
			key              string
			want             any
		}{
			{"a value", pyLine("python_plain", "balance", "3", "evaluate", "float(value or 0) * 2", `,"direction":"in"`) + out, `{"balance":"1.5"}`, "b", 3},
			{"request_data", pyLine("python_plain", "", "3", "evaluate", "request_data['a']['b'] + len(request_data['list'])", `,"direction":"in"`) + out,
				`{"a":{"b":5},"list":[1,2]}`, "b", 7},
			{"imports first", pyLine("python_plain", "balance", "3", "evaluate", "import re\nfrom datetime import datetime\ndigits = re.sub(r'\\D', '', value)\nint(digits)", `,"direction":"in"`) + out,
				`{"balance":"1 250 грн"}`, "b", 1250},
			{"False is no value", pyLine("python_plain", "since", "5", "evaluate", "datetime.strptime(value, '%d.%m.%Y') if value else False", `,"direction":"in"`) + `,{"field":"5","external_key":"at","direction":"out"}`,
				`{"since":""}`, "at", nil},
			{"a date", pyLine("python_plain", "since", "5", "evaluate", "datetime.strptime(value, '%d.%m.%Y')", `,"direction":"in"`) + `,{"field":"5","external_key":"at","direction":"out"}`,
				`{"since":"02.01.2026"}`, "at", "2026-01-02T00:00:00Z"},
			{"execute with result", pyLine("python_plain", "balance", "3", "execute", "result = 0\nfor n in value:\n  if n > 1:\n    result += n", `,"direction":"in"`) + out, `{"balance":[1,2,3]}`, "b", 5},
			{"execute without", pyLine("python_plain", "balance", "3", "execute", "x = 5", `,"direction":"in"`) + out, `{"balance":4}`, "b", nil},
			{"an entry point", pyLine("python_plain", "balance", "3", "evaluate", "def transform_inbound(data):\n    return len(data['name'])", `,"direction":"in"`) + out, `{"balance":1}`, "b", 3},
			{"a search", pyLine("python_relational", "country", "8", "evaluate", "env['res.country'].search([('code', '=', value.upper())], limit=1)", `,"direction":"in"`) + `,{"field":"8.1","external_key":"land","direction":"out"}`,
				`{"country":"ua"}`, "land", "Україна"},
			{"an id", pyLine("python_relational", "country", "8", "evaluate", "env['res.country'].search([('2', '=', value)]).id", `,"direction":"in"`) + `,{"field":"8.1","external_key":"land","direction":"out"}`,
				`{"country":"PL"}`, "land", "Poland"},
			{"a dict for the mapping", pyLine("python_relational", "country", "8", "evaluate", "{'code': value[:2]}", `,"direction":"in","mapping_config":"countries"`) + `,{"field":"8.1","external_key":"land","direction":"out"}`,
				`{"country":"PL-x"}`, "land", "Poland"},
			{"a command", pyLine("python_relational", "country", "8", "evaluate", "[Command.create({'name': 'Latvia', 'code': 'LV'})]", `,"direction":"in"`) + `,{"field":"8.1","external_key":"land","direction":"out"}`,
				`{"country":"new"}`, "land", "Latvia"},
			{"a shown value", pyLine("python_plain", "balance", "3", "evaluate", "'%.2f' % (value or 0)", `,"direction":"out"`) + `,{"field":"3","external_key":"b","direction":"in"}`, `{"b":5}`, "balance", "5.00"},
			{"a shown record", pyLine("python_plain", "label", "", "evaluate", "f\"{record.name} [{record.ref}] {record.country.name or '-'}\"", `,"direction":"out"`), `{}`, "label", "P [R] -"},
			{"the context", pyLine("python_plain", "about", "", "evaluate", "[model._name, config.code, config_index == config.id, sync_line.external_key, sync_line.api_config_id.name, uid, user_id, user.id, env.user.id, env.context, context, records.ids == record.ids, env.ref('x.countries').name, env['bj.api.sync.config'].search([('code', '=', 'countries')], limit=1).name, len(env['bj.api.sync.config'].search([('active', '=', True)])) > 1]", `,"direction":"out"`),
				`{}`, "about", "[res.partner e14 true about e14 1 1 1 1 map[lang:uk_UA] map[lang:uk_UA] true Countries Countries true]"},
			{"a default", `{"field":"3","external_key":"balance","default":"=len(request_data['name']) + 4"}`, `{}`, "balance", 5},
		} {
			name := fmt.Sprintf("e%d", i)
			s.scriptedEndpoint(name, `,"context":{"lang":"uk_UA"}`, c.line)
			var body map[string]any
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				s.Fatal(err)
			}
			if body["name"] == nil {
				body["name"] = "P"
			}
			if c.name == "an entry point" {
				body["name"] = "Oak"
			}
			body["ref"] = fmt.Sprintf("R%d", i)
			if c.name == "a shown record" {
				body["ref"] = "R"
			}
			text, _ := json.Marshal(body)
			s.shows(c.name, s.does(201, "POST", name, string(text)), c.key, c.want)
		}
	})
}

// Filters, answers, libraries, and who may what.
func TestSyncScriptRest(t *testing.T) {
	eachPython(t, func(s *synced) {
		s.call(200, "PATCH", "/api/v1/sync/settings", `{"model_aliases":{"res.partner":"`+s.partners+`","res.country":"`+s.countries+`"}}`)
		for i, name := range []string{"Oak", "Ash", "Elm"} {
			s.does(201, "POST", "partners", fmt.Sprintf(`{"name":%q,"ref":"A-%d","balance":%d}`, name, i, i*10))
		}
		s.scriptedEndpoint("some", attribute("filter_domain", "low = 5 * 2\n[('3', '>=', low), ('1', '!=', 'Elm')]"))
		if a := s.does(200, "GET", "some", ""); a.Meta.Count != 1 || !strings.Contains(string(a.Data), "Ash") {
			s.Errorf("a filter that is worked out: %s", a.Data)
		}
		s.scriptedEndpoint("bad", attribute("filter_domain", "env['res.partner'].search([]).ids"))
		s.refused(500, "SCRIPT_ERROR", "GET", "bad", "")
		s.scriptedEndpoint("answers", attribute("response_script", "response['extra'] = len(response['data'])\nheaders['X-Extra'] = 'yes'\nheaders['Content-Length'] = '1'"))
		w := s.ask("GET", "answers", "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"extra":3`) || w.Header().Get("X-Extra") != "yes" {
			s.Errorf("a changed answer: %d %s %v", w.Code, w.Body, w.Header())
		}
		s.scriptedEndpoint("answers2", attribute("response_script", "raise UserError('no answer')"))
		s.refused(400, "USER_ERROR", "GET", "answers2", "")
		s.does(201, "POST", "answers2", `{"name":"Fir","ref":"A-3"}`)

		s.call(200, "POST", "/api/v1/sync/scripts", `{"code":"lib","name":"lib","kind":"library","bind_model":"res.partner","source":"kept = []\ndef clean(x):\n  return x.upper()\ndef label(self):\n  kept.append(1)\n  return self.name + str(len(kept))"}`)
		s.call(200, "POST", "/api/v1/sync/scripts", `{"code":"shout","name":"shout","kind":"snippet","source":"record.clean(record.label())"}`)
		s.scriptedEndpoint("lib", "", `{"value_type":"python_plain","external_key":"l","direction":"out","script":{"ref":"shout"}}`)
		if a := s.does(200, "GET", "lib", ""); !strings.Contains(string(a.Data), "OAK1") || !strings.Contains(string(a.Data), "FIR1") {
			s.Errorf("functions of a library: %s", a.Data)
		}
		s.scriptedEndpoint("shown", "", pyLine("python_plain", "l", "", "evaluate", "record.write({'name': 'x'})", `,"direction":"out"`))
		s.refused(500, "SCRIPT_ERROR", "GET", "shown", "")
		s.call(200, "POST", "/api/v1/sync/scripts", `{"code":"net","name":"net","kind":"snippet","allow_http":true,"source":"import requests\ntry:\n  requests.get('http://127.0.0.1:1/')\nexcept requests.ConnectionError as e:\n  r = 'refused'\nr"}`)
		s.scriptedEndpoint("net", "", `{"value_type":"python_plain","external_key":"l","direction":"out","script":{"ref":"net"}}`,
			pyLine("python_plain", "m", "", "evaluate", "try:\n  import requests\nexcept ImportError as e:\n  m = str(e)\nm", `,"direction":"out"`))
		if a := s.does(200, "GET", "net?limit=1", ""); !strings.Contains(string(a.Data), `"l":"refused"`) || !strings.Contains(string(a.Data), "network access is disabled") {
			s.Errorf("calls of other servers: %s", a.Data)
		}

		tried := s.call(200, "POST", "/api/v1/sync/scripts/test", `{"config":"partners","mode":"evaluate","source":"print('hi')\nmodel.create({'name': 'T'})\nrequest_data['a'] + len(record)","request_data":{"a":4}}`)
		for _, want := range []string{`"ok":true`, `"value":4`, `"output":["hi"]`, `"op":"create"`, `"model":"res.partner"`, `"error":null`} {
			if !strings.Contains(tried, want) {
				s.Errorf("a test lacks %s: %s", want, tried)
			}
		}
		if n := s.count(s.partners); n != 4 {
			s.Errorf("a test left %d partners", n)
		}
		if failed := s.call(200, "POST", "/api/v1/sync/scripts/test", `{"config":"partners","source":"\n1/0"}`); !strings.Contains(failed, `"type":"ZeroDivisionError","message":"division by zero","line":2`) {
			s.Errorf("a failed test: %s", failed)
		}

		// Nothing passes from one item or request to another.
		s.scriptedEndpoint("state", "", pyLine("python_plain", "b", "3", "evaluate", "import json\ntry:\n  seen\n  b = 1\nexcept NameError:\n  b = 0\nseen = True\ntry:\n  json.kept = 1\nexcept AttributeError: pass\nb + int(hasattr(json, 'kept'))", `,"direction":"in"`),
			`{"field":"3","external_key":"c","direction":"out"}`)
		for range 2 {
			a := s.does(200, "PUT", "state", `[{"name":"s","ref":"S-1","b":1},{"name":"s","ref":"S-2","b":1}]`)
			if strings.Count(string(a.Data), `"c":0`) != 2 {
				s.Errorf("an item has what another left: %s", a.Data)
			}
		}
	})
}

// What a script may not: the rights are those of the config's employee.
func TestSyncScriptRights(t *testing.T) {
	eachPython(t, func(s *synced) {
		secrets := s.made("POST", "/api/v1/catalogs", `{"name":"Secrets","sectionId":"3","icon":"a-1","fields":[{"name":"Name","type":"text"}]}`)
		s.made("POST", "/api/v1/catalogs/"+secrets+"/records", `{"values":{"1":"hush"}}`)
		clerk := s.made("POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"Clerk"}}`)
		s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1","balance":77}`)
		s.call(200, "POST", "/api/v1/rights", `{"object":{"sectionId":"3"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"1"},"privilegeCode":"admin"}]}`)
		s.call(200, "POST", "/api/v1/rights", `{"object":{"catalogId":"`+s.partners+`"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"`+clerk+`"},`+
			`"privilegeCode":"create","fields":{"3":"hide","5":"view"}}]}`)
		as := `"run_as":` + clerk
		n := 0
		line := func(direction, source string) string {
			n++
			name := fmt.Sprintf("c%d", n)
			text, _ := json.Marshal(source)
			s.config(`{"code":"`+name+`","name":"x","request_type":"in","model":"`+s.partners+`","endpoint":"`+name+`",`+as+`,"methods":["GET","POST"],
				"rate_limit":{"per_minute_ip":0,"per_hour_key":0},"credentials":[{"label":"shop","type":"bearer","secret":"`+shopKey+`"}],
				"lines":[{"field":"1","external_key":"name"},{"field":"2","external_key":"ref","is_record_identifier":true},
				{"value_type":"python_plain","external_key":"x","direction":"`+direction+`","script_mode":"`+map[string]string{"in": "execute", "out": "evaluate"}[direction]+`","script":`+string(text)+`}]}`, 200)
			return name
		}
		for source, want := range map[string]string{
			"[record.name, record.f3, record['3'], record.read()[0].get('3'), record.read(['3'])]":                                      `"x":["Oak",false,false,false,[{"`,
			"[env.user['$name'], uid == " + clerk + "]":                                                                                 `"x":["Clerk",true]`,
			"try:\n  n = len(model.search([('3', '>', 1)])) + model.search_count([('3', '=', 77)])\nexcept Exception as e:\n  n = 0\nn": `"x":0`,
		} {
			a := s.does(200, "GET", line("out", source), "")
			if !strings.Contains(string(a.Data), want) || strings.Contains(string(a.Data), "77") {
				s.Errorf("%s shows %s", source, a.Data)
			}
		}
		s.refused(403, "FORBIDDEN", "GET", line("out", "env['"+secrets+"'].search([]).mapped('name')"), "")
		s.refused(500, "SCRIPT_ERROR", "GET", line("out", "env['$accounts'].search([])"), "")
		for _, source := range []string{"model.create({'3': 5})", "model.search([('ref', '=', 'A-1')]).write({'5': datetime.now()})", "env['" + secrets + "'].create({'1': 'x'})"} {
			s.refused(403, "FORBIDDEN", "POST", line("in", source), `{"name":"n","ref":"r","x":1}`)
		}
		if s.count(s.partners) != 1 || s.count(secrets) != 1 {
			s.Error("something was written")
		}
	})
}

// How scripts fail, and what their callers are told.
func TestSyncScriptFailures(t *testing.T) {
	eachPython(t, func(s *synced) {
		for i, c := range []struct {
			source, code string
			status       int
			text         string
		}{
			{"raise UserError('Так не можна')", "USER_ERROR", 400, "Так не можна"},
			{"from odoo.exceptions import ValidationError\nraise ValidationError('no')", "USER_ERROR", 400, "no"},
			{"raise ValueError('own')", "USER_ERROR", 400, "own"},
			{"int('x')", "SCRIPT_ERROR", 500, `"type":"ValueError"`},
			{"\n1/0", "SCRIPT_ERROR", 500, `"line":2,"line_id":3,"script":"line x","type":"ZeroDivisionError"`},
			{"env['nope']", "SCRIPT_ERROR", 500, `"type":"KeyError"`},
			{"env['" + s.partners + "'].browse(99).name", "RECORD_NOT_FOUND", 404, "does not exist"},
			{"'x' * 10**10", "SCRIPT_ERROR", 500, "Limit"},
			{"secret('x')", "SCRIPT_ERROR", 500, "NameError"},
		} {
			name := fmt.Sprintf("f%d", i)
			s.scriptedEndpoint(name, "", pyLine("python_plain", "x", "3", "evaluate", c.source, `,"direction":"in"`))
			w := s.ask("POST", name, `{"name":"n","ref":"r","x":1}`)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) || !strings.Contains(w.Body.String(), c.text) || strings.Contains(w.Body.String(), "raceback") {
				s.Errorf("%q: %d %s", c.source, w.Code, w.Body)
			}
			w = s.ask("POST", name, `[{"name":"n","ref":"r`+name+`","x":1},{"ref":"r2"}]`)
			if w.Code != 400 && w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
				s.Errorf("%q in a batch: %d %s", c.source, w.Code, w.Body)
			}
		}
		s.scriptedEndpoint("tuples", "", pyLine("python_relational", "x", "8", "evaluate", "[(9, 0, 0)]", `,"direction":"in"`))
		s.refused(500, "SCRIPT_ERROR", "POST", "tuples", `{"name":"n","ref":"r","x":1}`)
		s.scriptedEndpoint("set", "", pyLine("python_plain", "x", "3", "execute", "model\nresult = 'no number'", `,"direction":"in"`))
		s.refused(400, "VALIDATION_ERROR", "POST", "set", `{"name":"n","ref":"r","x":1}`)
		if n := s.count(s.partners); n != 0 {
			s.Errorf("%d records were written", n)
		}
	})
}

func TestSyncScriptSteps(t *testing.T) {
	eachPython(t, func(s *synced) {
		s.call(200, "PATCH", "/api/v1/sync/settings", `{"model_aliases":{"res.partner":"`+s.partners+`","res.country":"`+s.countries+`"}}`)
		s.scriptedEndpoint("pre", attribute("pre_script", "p = request_data.pop('payload')\nrequest_data['name'] = p['title'].strip()\nrequest_data['ref'] = p['id']"))
		s.shows("a flattened item", s.does(201, "POST", "pre", `{"payload":{"title":" Oak ","id":"A-1"}}`), "name", "Oak")
		s.refused(409, "DUPLICATE_RECORD", "POST", "pre", `{"payload":{"title":"Oak","id":"A-1"}}`)
		s.scriptedEndpoint("pre2", attribute("pre_script", "def transform_inbound(data):\n    return {'name': data['n'], 'ref': data['r']}"))
		s.shows("a replaced item", s.does(201, "POST", "pre2", `{"n":"Ash","r":"A-2"}`), "ref", "A-2")
		s.refused(500, "SCRIPT_ERROR", "POST", "pre2", `{"n":"Ash"}`)

		s.scriptedEndpoint("after", `,"allow_dry_run":true`+attribute("post_script", `
log = env['bj.api.log'].create({'name': 'made', 'status': 'ok', 'record': record.id})
record.balance = (record.balance or 0) + 10
country = env['res.country'].create({'name': 'of ' + record.name, 'code': str(record.id)})
record.write({'country': country})
if record.country.name != 'of ' + record.name or record.balance != 11 or country.exists() != country: raise Exception('it does not see what it wrote')
if env['res.country'].search([('name', '=', country.name)]): raise Exception('search sees what is not there yet')
if record.name == 'bad': raise UserError('bad names are not taken')`),
			pyLine("python_plain", "", "", "execute", "if record.id and record.name: record.write({'balance': 1})", `,"direction":"in"`), `{"field":"3","external_key":"balance","direction":"out"}`, `{"field":"8.1","external_key":"land","direction":"out"}`)
		made := s.does(201, "POST", "after", `{"name":"Elm","ref":"B-1"}`)
		s.shows("written after", made, "balance", 11)
		s.shows("written after", made, "land", "of Elm")
		before := s.count(s.countries)
		if a := s.refused(400, "USER_ERROR", "POST", "after", `{"name":"bad","ref":"B-2"}`); a.Error.Message != "bad names are not taken" {
			s.Errorf("refused with %q", a.Error.Message)
		}
		if n := s.count(s.countries); n != before {
			s.Errorf("a dropped item left %d countries, there were %d", n, before)
		}
		batch := s.does(207, "POST", "after", `[{"name":"Fir","ref":"B-3"},{"name":"bad","ref":"B-4"},{"name":"Yew","ref":"B-5"}]`)
		if batch.Meta.Succeeded != 2 || batch.Meta.Failed != 1 || s.count(s.countries) != before+2 {
			s.Errorf("a batch: %+v, %d countries", batch.Meta, s.count(s.countries)-before)
		}
		s.shows("a change", s.does(200, "PUT", "after", `{"name":"Elm 2","ref":"B-1"}`), "land", "of Elm 2")
		n := s.count(s.countries)
		s.does(400, "POST", "after?atomic=true", `[{"name":"Fig","ref":"B-6"},{"name":"bad","ref":"B-7"}]`)
		s.does(200, "POST", "after?dry_run=true", `{"name":"Fig","ref":"B-6"}`)
		if s.count(s.countries) != n {
			s.Errorf("a failed and a dry run wrote %d countries", s.count(s.countries)-n)
		}

		s.scriptedEndpoint("before", "", pyLine("python_relational", "country", "8", "evaluate",
			"c = env['res.country'].search([('code', '=', value)], limit=1)\nc or env['res.country'].create({'name': value, 'code': value})", `,"direction":"in"`),
			`{"field":"8.2","external_key":"code","direction":"out"}`)
		s.shows("a record made before", s.does(201, "POST", "before", `{"name":"Oak","ref":"C-1","country":"NZ"}`), "code", "NZ")
		s.shows("and found", s.does(201, "POST", "before", `{"name":"Oak","ref":"C-2","country":"NZ"}`), "code", "NZ")
		n = s.count(s.countries)
		s.does(400, "POST", "before", `{"ref":"C-3","country":"AU"}`)
		if s.count(s.countries) != n {
			s.Error("an item that is not valid left a record of its script")
		}
	})
}

// count is how many records a catalog has.
func (s *synced) count(catalog string) int {
	s.Helper()
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/catalogs/"+catalog+"/records?limit=1000", "")), &list); err != nil {
		s.Fatal(err)
	}
	return len(list)
}
