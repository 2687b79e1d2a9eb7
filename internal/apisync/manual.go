package apisync

// ManualCode is the path of the manual beside those of scripts; no script has it.
const ManualCode = "manual"

// Manual says what scripts have: it comes with the program (sync-api.md §1.3).
type Manual struct {
	Variables []ManualEntry   `json:"variables"`
	Modules   []ManualEntry   `json:"modules"`
	Modes     []ManualEntry   `json:"modes"`
	Limits    []ManualEntry   `json:"limits"`
	Examples  []ManualExample `json:"examples"`
}

// ManualEntry is a name and what it is.
type ManualEntry struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// ManualExample is a source that runs as it stands, with a sample of request_data.
type ManualExample struct {
	Title       string         `json:"title"`
	Where       string         `json:"where"`
	Mode        string         `json:"mode"`
	Source      string         `json:"source"`
	RequestData map[string]any `json:"request_data"`
}

// ScriptManual is the manual.
func ScriptManual() *Manual {
	return &Manual{Variables: manualVariables, Modules: manualModules, Modes: manualModes, Limits: manualLimits, Examples: manualExamples}
}

var manualVariables = []ManualEntry{
	{"value", "in lines: what came under the external key, or the field's value when a record is shown"},
	{"request_data", "the item that came, a dict that pre_script may change"},
	{"record", "the record; empty while it is created, before it is as it will be stored"},
	{"records", "the same as a recordset"},
	{"model", "the model of the config as an empty recordset"},
	{"env", "env['27'] or env['alias'] is a catalog; env.ref('code') a config; env.user, env.uid, env.context"},
	{"config", "the config; config_index is its id"},
	{"sync_line", "in lines: the line"},
	{"user", "the acting employee; uid and user_id are its id, context is that of the config"},
	{"response", "in response_script: the answer, which it may change; headers are its headers"},
	{"result", "what is assigned to it is the value when no expression ends the script"},
	{"time, datetime, date, timedelta, timezone, dateutil, relativedelta", "times, without import"},
	{"json, re, math, b64encode, b64decode, float_compare, float_round", "without import"},
	{"UserError, ValidationError, Command, fields, logging, _logger", "as in Odoo, without import"},
}

var manualModules = []ManualEntry{
	{"base64", "also the urlsafe variants"}, {"collections", ""}, {"datetime", "the class and the module"},
	{"dateutil", "parser.parse, relativedelta, tz.gettz"}, {"decimal", ""}, {"fractions", "Fraction"}, {"functools", ""},
	{"hashlib", "md5, sha1, sha256, sha512 and others"}, {"hmac", "new, compare_digest"}, {"html", "escape, unescape"},
	{"itertools", ""}, {"json", "dumps, loads"}, {"logging", "getLogger: goes to the output of the script"}, {"math", ""},
	{"odoo", "fields, exceptions, tools"}, {"operator", ""}, {"random", ""}, {"re", ""},
	{"requests", "only in named scripts with allow_http: 5 calls and 2 MiB an answer"}, {"statistics", ""}, {"string", ""},
	{"textwrap", ""}, {"time", "sleep counts as running"}, {"unicodedata", ""}, {"urllib.parse", ""}, {"uuid", ""},
}

var manualModes = []ManualEntry{
	{"evaluate", "the last expression is the value; None, and False for a field that is no switch, is null"},
	{"execute", "statements; result, when assigned, is the value"},
	{"transform_inbound(data), transform_outbound(data)", "a function of that name is called when no expression follows it"},
}

var manualLimits = []ManualEntry{
	{"time", "5 seconds an item, 2 of them computing"}, {"memory", "64 MiB"}, {"output", "64 KiB, then it is cut"},
	{"calls of env", "200 an item; a search gives at most 10,000 records"}, {"source", "64 KiB"},
}

var manualExamples = []ManualExample{
	{"Clean a text", "line, in", "evaluate", "request_data['name'].strip().title()", map[string]any{"name": "  oak table "}},
	{"Join two keys", "line, in", "evaluate", "f\"{request_data['first']} {request_data['last']}\"", map[string]any{"first": "Ada", "last": "Byron"}},
	{"Read a date in another form", "line, in", "evaluate", "datetime.strptime(request_data['since'], '%d.%m.%Y').date()", map[string]any{"since": "09.03.2026"}},
	{"Digits of a phone number", "line, in", "evaluate", "import re\nre.sub(r'\\D', '', request_data['phone'])", map[string]any{"phone": "+380 (44) 123-45-67"}},
	{"Flatten what comes", "pre_script", "execute", "request_data.update(request_data.pop('payload'))", map[string]any{"payload": map[string]any{"name": "Oak"}}},
	{"Refuse an item", "pre_script", "execute", "if len(request_data.get('name', '')) > 100:\n    raise UserError('The name is too long')", map[string]any{"name": "Oak"}},
	{"Count the records there are", "post_script", "execute", "print(model.search_count([]))", map[string]any{}},
	{"Leave a note in the log", "post_script", "execute", "env['bj.api.log'].create({'name': 'Seen', 'status': 'ok', 'at': str(datetime.now())})", map[string]any{}},
}
