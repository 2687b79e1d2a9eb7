package bpiumapi_test

const (
	vendorsBody = `{"name":"Vendors","sectionId":"3","icon":"users-10","fields":[{"name":"Name","type":"text"},{"name":"Phone","type":"contact"},{"name":"Rating","type":"number"}]}`
	ordersBody  = `{"name":"Orders","sectionId":"3","icon":"transfers-52","fields":[{"name":"Title","type":"text"},{"name":"Amount","type":"number"},` +
		`{"name":"Owner","type":"user"},{"name":"Vendor","type":"object","config":{"catalogs":[{"id":"25"}],"multiselect":true,"fields":{"25":["1","3"]}}},` +
		`{"name":"State","type":"dropdown","config":{"items":[{"name":"New"},{"name":"Done"}]}}]}`
	bob = `{"values":{"$name":"Bob","$email":"bob@example.com","$password":"` + password + `"}}`
	cy  = `{"values":{"$name":"Cy","$email":"cy@example.com","$password":"` + password + `"}}`
)

// everybodyMay and bobMay are rules in a body of POST /rights.
func everybodyMay(privilege string) string {
	return `{"rightSubject":{"userAttr":"allUsers","catalogId":null,"recordId":null},"privilegeCode":"` + privilege + `"}`
}

func bobMay(privilege, fields string) string {
	return `{"rightSubject":{"userAttr":"id","catalogId":"3","recordId":2},"privilegeCode":"` + privilege + `","fields":{` + fields + `}}`
}

const annaAdmins = `{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":"1"},"privilegeCode":"admin"}`

func rulesOn(object, rules string) string {
	return `{"object":{` + object + `},"rules":[` + rules + `]}`
}

// office are catalogs with two employees who have no rights on them.
var office = []step{
	{"vendors", "POST", "/catalogs", vendorsBody},
	{"orders", "POST", "/catalogs", ordersBody},
	{"an employee", "POST", "/catalogs/$users/records", bob},
	{"another", "POST", "/catalogs/$users/records", cy},
	{"the section is the administrator's", "POST", "/rights", rulesOn(`"sectionId":"3"`, annaAdmins)},
	{"a vendor", "POST", "/catalogs/25/records", `{"id":"acme","values":{"1":"Acme Ltd","2":[{"contact":"+1 555 0100","comment":"desk"}],"3":5}}`},
	{"another vendor", "POST", "/catalogs/25/records", `{"values":{"1":"Beta","2":[{"contact":"beta@example.com"}],"3":2}}`},
	{"an order", "POST", "/catalogs/26/records", `{"values":{"1":"Chairs","2":10,"3":[2],"4":[{"catalogId":"25","recordId":"acme"}],"5":["1"]}}`},
	{"another order", "POST", "/catalogs/26/records", `{"values":{"1":"Tables","2":99,"3":[1],"4":["2"],"5":["2"]}}`},
}

func story(steps ...step) []step { return append(office[:len(office):len(office)], steps...) }

var rightsStories = map[string][]step{
	"views": story(
		step{"none yet", "GET", "/catalogs/26/views/", "{}"},
		step{"a legal view", "POST", "/catalogs/26/views/", `{"name":"Mine","originName":"By owner","forRights":true,"filters":[{"attr":"3","value":["CURRENT_USER"]}],"options":{"mode":"table"}}`},
		step{"one with an id and links", "POST", "/catalogs/26/views", `{"name":"Acme","id":"acme","forRights":true,"filters":[{"fieldId":4,"value":[{"catalogId":25,"recordId":"acme"}]},{"fieldId":"4","value":{"$or":[[{"catalogId":"25","filters":[{"fieldId":"3","value":{"at":4}}]}]]}}]}`},
		step{"the list", "GET", "/catalogs/26/views", ""},
		step{"one", "GET", "/catalogs/26/views/acme", ""},
		step{"its records", "GET", "/catalogs/26/records?viewId=acme&fields=[]", ""},
		step{"bob: without a right", "GET", "/catalogs/26/views", ""},
		step{"a right on it", "POST", "/rights", rulesOn(`"catalogId":"26","viewId":1`, bobMay("edit", `"2":"hide"`))},
		step{"bob: his views", "GET", "/catalogs/26/views", ""},
		step{"bob: one", "GET", "/catalogs/26/views/1", ""},
		step{"bob: one without a right", "GET", "/catalogs/26/views/acme", ""},
		step{"bob: his records", "GET", "/catalogs/26/records?viewId=1&withTotal=true", ""},
		step{"bob: his record", "GET", "/catalogs/26/records/1", ""},
		step{"bob: not his", "GET", "/catalogs/26/records?viewId=acme", ""},
		step{"bob: no such view", "GET", "/catalogs/26/records?viewId=9", ""},
		step{"bob: the history of his records", "GET", "/histories?catalogId=26&viewId=1", ""},
		step{"bob: a personal view", "POST", "/catalogs/26/views", `{"name":"Few","filters":{"1":"chairs"}}`},
		step{"bob: by a hidden field", "POST", "/catalogs/26/views", `{"name":"Dear","filters":{"2":{"at":50}}}`},
		step{"bob: a legal one", "POST", "/catalogs/26/views", `{"name":"x","forRights":true}`},
		step{"bob: both", "GET", "/catalogs/26/views", ""},
		step{"a personal view of another", "GET", "/catalogs/26/views/3", ""},
		step{"bob: renamed, its filters kept", "PATCH", "/catalogs/26/views/3", `{"name":"Chairs"}`},
		step{"bob: other filters", "PATCH", "/catalogs/26/views/3", `{"filters":[{"id":"4","fieldId":"1","value":"chair"},{"fieldId":"5","value":["1"]}]}`},
		step{"bob: as it is now", "GET", "/catalogs/26/views/3", ""},
		step{"bob: a legal one is not his", "PATCH", "/catalogs/26/views/1", `{"name":"x"}`},
		step{"without a name for employees", "PATCH", "/catalogs/26/views/1", `{"name":""}`},
		step{"bob: it is not listed", "GET", "/catalogs/26/views", ""},
		step{"bob: it works", "GET", "/catalogs/26/records?viewId=1&fields=[]", ""},
		step{"delete", "DELETE", "/catalogs/26/views/1", "{}"},
		step{"deleted", "GET", "/catalogs/26/views/1", ""},
		step{"bob: he sees nothing", "GET", "/catalogs/26/records", ""},
	),
	"rights": story(
		step{"of the section", "GET", "/rights?sectionId=3", ""},
		step{"of the management section", "GET", "/rights?sectionId=$settings", ""},
		step{"of a catalog without rules", "GET", "/rights?catalogId=26", ""},
		step{"of both, without the empty", "GET", "/rights?catalogId=26&sectionId=3", ""},
		step{"rules of a catalog", "POST", "/rights", rulesOn(`"catalogId":"26"`, everybodyMay("search")+","+bobMay("create", `"2":"view","5":"hide"`))},
		step{"bob: sections", "GET", "/sections", ""},
		step{"bob: the catalog", "GET", "/catalogs/26", ""},
		step{"bob: its records", "GET", "/catalogs/26/records", ""},
		step{"bob: its rules", "GET", "/rights?catalogId=26", ""},
		step{"bob: in Ukrainian", "GET", "/rights?catalogId=26", ""},
		step{"bob: the section's with the automatic ones", "GET", "/rights?sectionId=3&withSearch=true", ""},
		step{"bob: another catalog's", "GET", "/rights?catalogId=25", ""},
		step{"bob: he manages none", "POST", "/rights", rulesOn(`"catalogId":"26"`, "")},
		step{"bob: which comes before the body", "POST", "/rights", `{"object":{"catalogId":"26"},"rules":5}`},
		step{"bob: a new record", "POST", "/catalogs/26/records", `{"values":{"1":"Lamps"}}`},
		step{"bob: a value that he may not set", "POST", "/catalogs/26/records", `{"values":{"1":"Lamps","2":5}}`},
		step{"bob: a hidden field", "PATCH", "/catalogs/26/records/1", `{"values":{"5":["2"]}}`},
		step{"bob: a read-only field", "PATCH", "/catalogs/26/records/1", `{"values":{"2":5}}`},
		step{"bob: not even a wrong value", "PATCH", "/catalogs/26/records/1", `{"values":{"2":"many"}}`},
		step{"bob: as it is", "PATCH", "/catalogs/26/records/1", `{"values":{"2":10,"1":"Chair"}}`},
		step{"bob: filters by a hidden field", "GET", "/catalogs/26/records?filters[5][0]=1", ""},
		step{"bob: sorts by a hidden field", "GET", "/catalogs/26/records?sortField=5", ""},
		step{"bob: the right comes before the body", "DELETE", "/catalogs/26/records/1?timezoneOffset=x", ""},
		step{"bob: the structure", "PATCH", "/catalogs/26", `{"fields":5}`},
		step{"cy: nothing", "GET", "/catalogs/26/records", ""},
		step{"rules of a record", "POST", "/rights", `[` + rulesOn(`"catalogId":"26","recordId":"2"`, bobMay("deny", "")) + `]`},
		step{"bob: without it", "GET", "/catalogs/26/records?fields=[]&withTotal=true", ""},
		step{"bob: which is forbidden", "GET", "/catalogs/26/records/2", ""},
		step{"bob: a missing one", "GET", "/catalogs/26/records/99", ""},
		step{"no rules", "POST", "/rights", rulesOn(`"catalogId":"26"`, "")},
		step{"the last administrator", "POST", "/rights", rulesOn(`"sectionId":"$settings"`, "")},
		step{"of nothing", "GET", "/rights", ""},
		step{"of a record without its catalog", "GET", "/rights?recordId=1", ""},
		step{"paths of details", "POST", "/rights", `[` + rulesOn(`"catalogId":"26"`, bobMay("own", "")) + `]`},
		step{"more paths", "POST", "/rights", rulesOn(`"catalogId":"26"`, bobMay("view", `"99":"edit"`)+`,{"rightSubject":{"userAttr":"99","catalogId":"25","recordId":"1"},"privilegeCode":"view"}`)},
		step{"why", "GET", "/rights/explain?userId=2&catalogId=26&recordId=2&fieldId=2", ""},
		step{"bob: why", "GET", "/rights/explain?catalogId=26", ""},
		step{"bob: why not cy", "GET", "/rights/explain?catalogId=26&userId=3", ""},
		step{"why nothing", "GET", "/rights/explain", ""},
	),
	"relations": story(
		step{"of a vendor", "GET", "/catalogs/25/records/acme/relations", "{}"},
		step{"of none", "GET", "/catalogs/25/records/99/relations", ""},
		step{"of one catalog, a page", "GET", "/catalogs/25/records/acme/relations?catalogId[0]=26&catalogId[1]=77&fieldId=4&limit=0", ""},
		step{"a field needs its catalog", "GET", "/catalogs/25/records/acme/relations?fieldId=4", ""},
		step{"the record comes before the parameters", "GET", "/catalogs/25/records/99/relations?limit=x", ""},
		step{"candidates", "GET", "/catalogs/26/fields/4/availableRecords", "{}"},
		step{"candidates by title", "GET", "/catalogs/26/fields/4/availableRecords?title=ACME&catalogId=25", ""},
		step{"candidates with conditions", "GET", "/catalogs/26/fields/4/availableRecords?recordsFilters=" + esc(`[{"catalogId":"25","filters":[{"fieldId":"3","value":{"to":3}}]}]`), ""},
		step{"employees as candidates", "GET", "/catalogs/26/fields/3/availableRecords?title=b", ""},
		step{"of a field that links nothing", "GET", "/catalogs/26/fields/1/availableRecords", ""},
		step{"of no field", "GET", "/catalogs/26/fields/99/availableRecords", ""},
		step{"filter candidates", "GET", "/catalogs/26/fields/4/availableFilterRecords?title=b", ""},
		step{"by the other spelling", "GET", "/catalogs/26/fields/4/availableFilterRecord?limit=1", ""},
		step{"contacts", "GET", "/contacts", ""},
		step{"contacts by digits", "GET", "/contacts?searchText=5550100", ""},
		step{"contacts, sorted", "GET", "/contacts?sortField=$title&sortType=-1&limit=1", ""},
		step{"contacts, wrong", "GET", "/contacts?limit=-1", ""},
		step{"bob: no contacts", "GET", "/contacts", ""},
		step{"bob: no relations", "GET", "/catalogs/25/records/acme/relations", ""},
		step{"he may edit orders", "POST", "/rights", rulesOn(`"catalogId":"26"`, bobMay("edit", ""))},
		step{"bob: candidates are titles", "GET", "/catalogs/26/fields/4/availableRecords", ""},
		step{"bob: the catalog with its link field", "GET", "/catalogs/26?fields=[4]", ""},
		step{"bob: users", "GET", "/users", ""},
		step{"bob: who he is", "GET", "/profile/me", ""},
		step{"a group by link", "PATCH", "/catalogs/$users", `{"fields":[{"id":"$name"},{"id":"$email"},{"id":"$password"},{"id":"$type"},{"name":"Branch","type":"object","config":{"catalogs":[{"id":"25"}]}}]}`},
		step{"bob's group", "PATCH", "/catalogs/$users/records/2", `{"values":{"5":["acme"]}}`},
		step{"its right", "POST", "/rights", rulesOn(`"catalogId":"25"`, `{"rightSubject":{"userAttr":"5","catalogId":"25","recordId":"acme"},"privilegeCode":"view","fields":{"1":"hide"}}`)},
		step{"bob: who he is then", "GET", "/profile/me", ""},
		step{"bob: relations", "GET", "/catalogs/25/records/acme/relations", ""},
		step{"bob: hidden titles", "GET", "/catalogs/26/fields/4/availableRecords?limit=1", ""},
		step{"bob: not found by them", "GET", "/catalogs/26/fields/4/availableFilterRecords?title=ltd", ""},
		step{"bob: found as they are shown", "GET", "/catalogs/26/fields/4/availableFilterRecords?title=%23ac", ""},
		step{"bob: a view as a source", "POST", "/catalogs/25/views", `{"name":"x","forRights":true}`},
		step{"a good vendor", "POST", "/catalogs/25/views", `{"name":"Good","forRights":true,"filters":{"3":{"at":4}}}`},
		step{"it as a source", "PATCH", "/catalogs/26", `{"fields":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4","config":{"views":[{"id":"1","catalogId":"25"}],"multiselect":true}},{"id":"5"}]}`},
		step{"a view that is not there", "PATCH", "/catalogs/26", `{"fields":[{"id":"4","config":{"views":[{"id":"9","catalogId":"25"}]}}]}`},
		step{"cy's right", "POST", "/rights", rulesOn(`"catalogId":"26"`, everybodyMay("edit"))},
		step{"cy: candidates of the view", "GET", "/catalogs/26/fields/4/availableRecords", ""},
		step{"cy: links within it only", "PATCH", "/catalogs/26/records/1", `{"values":{"4":["2"]}}`},
	),
}
