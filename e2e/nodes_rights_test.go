package e2e

import "testing"

// rightsOnTheOtherNode changes what an employee may do on one node and asks the
// other one at once: by a rule, and by the card that makes him one of a group.
func rightsOnTheOtherNode(t *testing.T, nodes ...*server) {
	var admins, clerks []*caller
	for _, s := range nodes {
		clerk := s.admin()
		clerk.login, clerk.password = "clerk@example.com", "password1"
		admins, clerks = append(admins, s.admin()), append(clerks, clerk)
	}
	k := admins[0].newCatalog(t, "Guarded", object{"name": "Name", "type": "text"})
	teams := admins[0].newCatalog(t, "Teams", object{"name": "Name", "type": "text"})
	team := decode[record](t, admins[0].call(t, 200, "POST", teams.records(""), object{"values": object{teams.fields["Name"]: "Sales"}})).ID

	users := decode[object](t, admins[0].call(t, 200, "GET", "/api/v1/catalogs/$users?skipPrevId=true", nil))
	fields, _ := users["fields"].([]any)
	fields = append(fields, object{"id": "team", "name": "Team", "type": "object", "config": object{"catalogs": []object{{"id": teams.id}}}})
	admins[0].call(t, 200, "PATCH", "/api/v1/catalogs/$users", object{"fields": fields})
	card := decode[record](t, admins[0].call(t, 200, "POST", "/api/v1/catalogs/$users/records",
		object{"values": object{"$name": "Clerk", "$email": clerks[0].login, "$password": clerks[0].password}})).ID

	set := func(by *caller, of object, rules ...object) {
		t.Helper()
		if rules == nil {
			rules = []object{}
		}
		by.call(t, 200, "POST", "/api/v1/rights", object{"object": of, "rules": rules})
	}
	rule := func(attr, catalog, record, privilege string) object {
		return object{"rightSubject": object{"userAttr": attr, "catalogId": catalog, "recordId": record}, "privilegeCode": privilege}
	}
	guarded := decode[object](t, admins[0].call(t, 200, "GET", "/api/v1/catalogs/"+k.id, nil))
	set(admins[0], object{"sectionId": guarded["sectionId"]}, rule("id", "$users", "1", "admin"))

	t.Run("a rule", func(t *testing.T) {
		for i := range 20 {
			here, there := admins[i%2], clerks[(i+1)%2]
			set(here, object{"catalogId": k.id}, rule("id", "$users", card, "view"))
			there.call(t, 200, "GET", k.records(""), nil)
			set(here, object{"catalogId": k.id})
			there.call(t, 403, "GET", k.records(""), nil)
		}
	})
	t.Run("a group", func(t *testing.T) {
		set(admins[0], object{"catalogId": k.id}, rule("team", teams.id, team, "view"))
		for i := range 20 {
			here, there := admins[i%2], clerks[(i+1)%2]
			path := "/api/v1/catalogs/$users/records/" + card
			here.call(t, 200, "PATCH", path, object{"values": object{"team": []object{{"catalogId": teams.id, "recordId": team}}}})
			there.call(t, 200, "GET", k.records(""), nil)
			here.call(t, 200, "PATCH", path, object{"values": object{"team": []object{}}})
			there.call(t, 403, "GET", k.records(""), nil)
		}
	})
}
