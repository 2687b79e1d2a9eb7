package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/store/testdb"
	"kartoteka/internal/syncapi"
)

// rule is a change of a good config, and the errors that it is refused with.
type rule struct{ patch, errors string }

var rules = []rule{
	{`{"name":""}`, "name required"},
	{`{"name":"` + strings.Repeat("я", 201) + `"}`, "name too_long"},
	{`{"nmae":"x"}`, "nmae unknown_field"},
	{`{"code":"other"}`, "code invalid_parameter"},
	{`{"lines":[{"feild":"name","external_key":"a"}]}`, "lines[0].feild unknown_field"},
	{`{"methods":"GET","page_size":"x","active":1,"name":5}`, "active type,methods type,name type,page_size type"},
	{`{"request_type":"out"}`, "request_type not_implemented"},
	{`{"request_type":"both"}`, "request_type invalid_parameter"},
	{`{"connection":"erp"}`, "connection not_found"},
	{`{"model":"nothing"}`, "model not_found"},
	{`{"model":"$accounts"}`, "model forbidden"},
	{`{"filter_domain":5}`, "filter_domain type"},
	{`{"identity":"both"}`, "identity invalid_parameter"},
	{`{"identity":"link","initial_match":["code","none","boss"],"lines":[{"field":"code","external_key":"code","is_record_identifier":true},
		{"field":"doc","external_key":"boss"}]}`, "initial_match[1] not_found,initial_match[2] not_found"},
	{`{"identity":"link","lines":[{"field":"code","external_key":"code","is_record_identifier":true},{"field":"$external_id","external_key":"e"}]}`,
		"lines[1].field field_readonly"},
	{lines(`{"field":"$external_id","external_key":"a","direction":"in"},{"field":"$external_id","external_key":"b","direction":"in"}`), "lines[2].field duplicate"},
	{lines(`{"field":"$external_id","external_key":"a","value_type":"python_plain","script":"1","script_phase":"after"}`), "lines[1].script_phase invalid_parameter"},
	{`{"unknown_keys":"warn","log_bodies":"x","page_size":0}`, "log_bodies invalid_parameter,page_size max,unknown_keys invalid_parameter"},
	{`{"lines_from":"nothing"}`, "lines_from not_found"},
	{`{"run_as":77}`, "run_as not_found"},
	{`{"run_as":0}`, "run_as required"},
	{`{"context":{"lang":"` + strings.Repeat("u", 70_000) + `"}}`, "context too_long"},
	{`{"endpoint":"_x"}`, "endpoint invalid_id"},
	{`{"endpoint":"taken"}`, "endpoint duplicate"},
	{`{"methods":[]}`, "methods required"},
	{`{"methods":["GET","GET","HEAD"]}`, "methods[1] duplicate,methods[2] invalid_parameter"},
	{`{"auth_types":[]}`, "auth_types required,credentials required"},
	{`{"auth_types":["none","bearer"]}`, "auth_types invalid_parameter,methods forbidden,run_as forbidden"},
	{`{"auth_types":["none"],"allow_dry_run":true,"methods":["GET"]}`, "allow_dry_run forbidden,run_as forbidden"},
	{`{"auth_types":["none"],"anonymous_write":true}`, "anonymous_write forbidden,run_as forbidden"},
	{`{"auth_types":["hmac"]}`, "credentials required,hmac required"},
	{`{"hmac":{"header":"a b","algorithm":"md5","encoding":"x","tolerance_seconds":-1}}`,
		"hmac.algorithm invalid_parameter,hmac.encoding invalid_parameter,hmac.header invalid_parameter,hmac.tolerance_seconds max"},
	{`{"credentials":[]}`, "credentials required"},
	{`{"credentials":[{"type":"bearer","secret":"short"}]}`, "credentials[0].secret min"},
	{`{"credentials":[{"type":"basic","login":"a:b","secret":"x"},{"type":"bearer","label":"a"},{"type":"bearer","label":"a","allowed_ips":["x"]}]}`,
		"credentials[0].login invalid_parameter,credentials[2].allowed_ips[0] invalid_parameter,credentials[2].label duplicate"},
	{`{"credentials":[{"type":"bearer","secret":5}]}`, "credentials[0].secret type"},
	{`{"credentials":[{"type":"bearer","expires_at":"tomorrow","id":99}]}`, "credentials[0].expires_at date"},
	{`{"credentials":[{"type":"bearer","id":99}]}`, "credentials[0].id not_found"},
	{`{"max_limit":1001,"default_limit":0}`, "default_limit max,max_limit max"},
	{`{"default_limit":300}`, "default_limit max"},
	{`{"path_id":"auto","on_duplicate":"create","created_status":204}`, "created_status invalid_parameter,on_duplicate invalid_parameter,path_id invalid_parameter"},
	{`{"response_format":"x","batch_max":0,"batch_mode":"x","delete_mode":"archive"}`,
		"batch_max max,batch_mode invalid_parameter,delete_mode invalid_parameter,response_format invalid_parameter"},
	{`{"domain_fields":"x","max_body_bytes":1,"request_timeout":121}`, "domain_fields invalid_parameter,max_body_bytes max,request_timeout max"},
	{`{"rate_limit":{"per_minute_ip":-1}}`, "rate_limit.per_minute_ip max"},
	{`{"allowed_ips":["10.0.0.0/8","1.2.3"],"cors_origins":["*","https://a.example","https://a.example/"],"search_fields":["zz"]}`,
		"allowed_ips[1] invalid_parameter,cors_origins[2] invalid_parameter,search_fields[0] not_found"},
	{`{"lines":[]}`, "lines required"},
	{lines(`{"field":"on","external_key":"on","is_record_identifier":true}`), "lines too_many"},
	{lines(`{"field":"nothing","external_key":"on"}`), "lines[1].field not_found"},
	{lines(`{"field":"on"}`), "lines[1].external_key required"},
	{lines(`{"external_key":"on"}`), "lines[1].field required"},
	{lines(`{"field":"on","external_key":"on","direction":"x","value_type":"x","null_policy":"x","relation_policy":"x","x2many_mode":"replace"}`),
		"lines[1].direction invalid_parameter,lines[1].null_policy invalid_parameter,lines[1].relation_policy invalid_parameter,lines[1].value_type invalid_parameter,lines[1].x2many_mode invalid_parameter"},
	{lines(`{"field":"code","external_key":"k"},{"field":"on","external_key":"code","direction":"out"}`), "lines[1].field duplicate,lines[2].external_key duplicate"},
	{lines(`{"field":"create_date","external_key":"d"}`), "lines[1].field field_readonly"},
	{lines(`{"field":"parent.name","external_key":"p","relation_policy":"create"}`), "lines[1].field field_readonly"},
	{lines(`{"field":"on","external_key":"p","value_type":"relational_mapping","mapping_config":"good"}`), "lines[1].value_type type"},
	{lines(`{"field":"parent","external_key":"p","value_type":"relational_mapping"}`), "lines[1].mapping_config required"},
	{lines(`{"field":"parent","external_key":"p","value_type":"relational_mapping","mapping_config":"zz"}`), "lines[1].mapping_config not_found"},
	{lines(`{"field":"parent","external_key":"p","value_type":"relational_mapping","mapping_config":"good"}`), "lines[1].mapping_config too_many"},
	{lines(`{"field":"boss","external_key":"p","value_type":"relational_mapping","mapping_config":"good","direction":"out"}`), "lines[1].mapping_config type"},
	{lines(`{"field":"on","external_key":"p","value_type":"python_plain"}`), "lines[1].script required"},
	{lines(`{"field":"on","external_key":"p","value_type":"python_plain","script":{"ref":"zz"}}`), "lines[1].script not_found"},
	{lines(`{"field":"on","external_key":"p","value_type":"python_plain","script":5}`), "lines[1].script type"},
	{lines(`{"field":"on","external_key":"p","value_map":5},{"field":"name","external_key":"q","value_map":[{"external":1}]}`), "lines[1].value_map type,lines[2].value_map[0] type"},
	{`{"lines":[{"field":"doc","external_key":"d","is_record_identifier":true}]}`, "lines[0].field invalid_parameter"},
	{`{"lines":[{"field":"$external_id","external_key":"d","is_record_identifier":true}]}`, "lines[0].field invalid_parameter"},
	{`{"headers":[{"key":"a b","value":"x"},{"key":"X-A"},{"key":"X-B","value":"a\nb","role":"respond"},{"key":"Set-Cookie","role":"respond"},{"key":"X-C","value":"${secret:zz}","role":"respond"}]}`,
		"headers[0].key invalid_parameter,headers[1].value required,headers[2].value invalid_parameter,headers[3].key forbidden,headers[4].value not_found"},
	{`{"filter_domain":[["code","=>",1]],"identifier_domain":[["code","=",{}]]}`, "filter_domain invalid_filter,identifier_domain invalid_filter"},
	{`{"filter_domain":[["zz","=",1]],"identifier_domain":"[('code','child_of',1)]"}`, "filter_domain invalid_filter,identifier_domain invalid_filter"},
	{`{"filter_domain":["|",["on","=",true],["on","like","x"]],"identifier_domain":"code == 1"}`, "filter_domain invalid_filter,identifier_domain invalid_filter"},
	{`{"filter_domain":[["parent","any",[["code",">",[1]]]]]}`, "filter_domain invalid_filter"},
	{`{"params":[{"field":"zz","operator":">","value":1},{"field":"code","operator":"any","value":"[]"},{"field":"order","value":"zz"},{"field":"page","value":1},{"field":"limit","value":5}]}`,
		"params[0] invalid_filter,params[1] invalid_filter,params[2] invalid_filter,params[3] invalid_filter"},
	{`{"body_path":"a..b]"}`, "body_path invalid_parameter"},
	{lines(`{"field":"on","external_key":"a[b"},{"field":"create_date","external_key":"d","direction":"out","format":"%Q"},{"field":"name","external_key":"f","format":"%Y"}`),
		"lines[1].external_key invalid_parameter,lines[2].format invalid_parameter,lines[3].format invalid_parameter"},
	{lines(`{"external_key":"kids","value_type":"relational_mapping","mapping_config":"good","direction":"out","options":{"child_field":"zz"}}`), "lines[1].options.child_field not_found"},
	{lines(`{"external_key":"kids","value_type":"relational_mapping","mapping_config":"good","direction":"out","options":{"child_field":"boss"}}`), "lines[1].options.child_field not_found"},
	{`{"params":[{"field":"","operator":"=?"},{"field":"a","kind":"path"}]}`, "params[0].field required,params[0].operator invalid_parameter,params[1].kind invalid_parameter"},
}

// lines puts more lines after the identifier.
func lines(more string) string {
	return `{"lines":[{"field":"code","external_key":"code","is_record_identifier":true},` + more + `]}`
}

func TestSyncRules(t *testing.T) {
	s := openSyncSite(t, testdb.SQLite(t)).partners()
	good := fmt.Sprintf(`{"name":"Good","code":%%q,"request_type":"in","model":%q,"endpoint":%%[1]q,"methods":["GET","POST"],
		"credentials":[{"type":"bearer","label":"a"}],"lines":[{"field":"code","external_key":"code","is_record_identifier":true}]}`, s.model)
	s.want(200, "POST", "/configs", fmt.Sprintf(good, "taken"))
	if v := s.want(200, "POST", "/configs", fmt.Sprintf(good, "good")); len(v["warnings"].([]any)) != 1 {
		t.Errorf("warnings %v, want that of the required field", v["warnings"])
	}
	for _, r := range rules {
		if got := strings.Join(s.refused("PATCH", "/configs/good", r.patch), ","); got != r.errors {
			t.Errorf("%s\n got %s\nwant %s", r.patch, got, r.errors)
		}
	}
	if v := s.want(200, "GET", "/configs/good", ""); v["version"] != 1.0 {
		t.Error("what was refused was saved")
	}
	v := s.want(200, "PATCH", "/configs/good", `{"active":false,"model":"nothing","credentials":[],"lines":[]}`)
	if len(v["warnings"].([]any)) != 2 {
		t.Errorf("an inactive config: %v", v["warnings"])
	}
	for body, want := range map[string]string{
		`{"rate_limit":{"per_hour_key":-1},"idempotency_ttl_hours":0,"log":{"max_rows":0,"max_bytes":1}}`: "idempotency_ttl_hours max,log.max_bytes max,log.max_rows max,rate_limit.per_hour_key max",
		`{"operators":[1,55],"secrets":{"a b":"x","c":5},"public_base_url":"x"}`:                          "operators[1] not_found,public_base_url invalid_parameter,secrets.a b invalid_id",
		`{"active_fields":{"zz":"on"},"model_aliases":{"a":"$rights"}}`:                                   "active_fields.zz not_found,model_aliases.a not_found",
	} {
		body = strings.ReplaceAll(body, `,"c":5`, "")
		if got := strings.Join(s.refused("PATCH", "/settings", body), ","); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

// TestSyncRoles walks over all routes: as an administrator's token that does not
// administer, an employee, an operator, and somebody unknown.
func TestSyncRoles(t *testing.T) {
	s := openSyncSite(t, testdb.SQLite(t)).partners()
	bob := s.want(200, "POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"Bob","$email":"bob@example.com","$password":"bob's password"}}`)["id"].(string)
	s.want(200, "PATCH", "/settings", `{"secrets":{"who":"`+planted5+`"}}`)
	s.want(200, "POST", "/configs", s.full(""))
	token := s.want(200, "POST", "/api/v1/tokens", `{"name":"t","verbs":["read","create","update","delete"]}`)["token"].(string)
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth("bob@example.com", "bob's password")
	basicBob := r.Header.Get("Authorization")
	walk := func(who, authorization string, reads, writes int) {
		t.Helper()
		for _, pattern := range syncapi.New(syncapi.Options{}).Patterns() {
			method, path, _ := strings.Cut(pattern, " ")
			path = strings.NewReplacer("{code}", "partners", "{id}", "1", "{model}", s.model).Replace(path)
			if strings.HasPrefix(path, "/connections/") {
				path = strings.Replace(path, "partners", "local", 1)
			}
			want := writes
			asks := strings.HasSuffix(path, "/replay") || strings.HasSuffix(path, "/suggest") || strings.HasSuffix(path, "/test")
			if method == "GET" && path != "/export" || asks {
				want = reads
			}
			body := "{}"
			switch path {
			case "/suggest":
				body = `{"model":"` + s.model + `"}`
			case "/scripts/test":
				body = `{"config":"none","line_id":1}`
			}
			w := ask(s.h, method, "/api/v1/sync"+path, body, "Authorization", authorization)
			if code := w.Code; code != want && !(want == 200 && code == 404) {
				t.Errorf("%s: %s gives %d %s, want %d", who, pattern, code, w.Body, want)
			}
			if strings.Contains(w.Body.String(), "planted") {
				t.Errorf("%s: %s shows a secret", who, pattern)
			}
		}
	}
	walk("a token", "Bearer "+token, 403, 403)
	walk("an employee", basicBob, 403, 403)
	walk("nobody", "", 401, 401)
	s.want(200, "PATCH", "/settings", fmt.Sprintf(`{"operators":[%s]}`, bob))
	walk("an operator", basicBob, 200, 403)
	if w := ask(s.h, "PATCH", "/api/v1/sync/settings", "{}", "Cookie", "connect.sid=x", "Origin", "https://evil.example"); w.Code < 400 {
		t.Errorf("a foreign page: %d", w.Code)
	}
	if list := slices.Compact(s.refused("POST", "/configs", `{"name":"x","request_type":"in"}`)); len(list) < 4 {
		t.Errorf("an empty config: %v", list)
	}
}
