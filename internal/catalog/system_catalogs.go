package catalog

import "encoding/json"

// The events a subscription may name.
var (
	webhookEvents = []string{
		"record.created", "After creation", "record.updated", "After a change", "record.deleted", "After removal",
		"record.before.created", "Before creation", "record.before.updated", "Before a change", "record.before.deleted", "Before removal",
		"record.updating", "While editing",
	}
	scenarioEvents = []string{
		"$record.after.create", "After creation", "$record.after.update", "After a change", "$record.after.delete", "After removal",
		"$record.before.create", "Before creation", "$record.before.update", "Before a change", "$record.before.delete", "Before removal",
		"$record.updating", "While editing", string(Scheduled), "At times",
	}
)

// systemCatalogs are the catalogs of the two system sections.
var systemCatalogs = []systemCatalog{
	{num: 1, section: 1, key: "$catalogs", name: "Catalogs", icon: "database-1", mirror: true, fields: mirrorFields()},
	{num: 2, section: 1, key: "$sections", name: "Sections", icon: "folder-1", mirror: true, fields: mirrorFields()},
	{num: 3, section: 1, key: "$users", name: "Employees", icon: "users-1", fields: []systemField{
		{id: 1, key: "$name", name: "Name", typ: "text", required: true},
		{id: 2, key: "$email", name: "E-mail or login", typ: "text", config: Config{Kind: KindMail}},
		{id: 3, key: "$password", name: "New password", typ: "text", secret: true},
		{id: 4, key: "$type", name: "Kind", typ: "dropdown", config: single("$user", "Employee", "$extuser", "External")},
	}},
	{num: 4, section: 1, key: "$views", name: "Views", icon: "eye-1", mirror: true, fields: mirrorFields(
		systemField{id: 2, key: viewCatalogKey, name: "Catalog", typ: "object", config: linkTo(false, catalogsMirror)},
		systemField{id: 3, key: viewCodeKey, name: "Id", typ: "text"},
		systemField{id: 4, key: viewFiltersKey, name: "Filters", typ: "text", config: multiline},
	)},
	{num: 5, section: 1, key: "$webhooks", name: "Webhooks", icon: "link-1", fields: []systemField{
		{id: 1, key: "$status", name: "Status", typ: "dropdown", config: onOff},
		{id: 2, key: "$catalog", name: "Catalog", typ: "object", config: linkTo(false, 1), required: true},
		{id: 3, key: "$events", name: "Events", typ: "dropdown", config: several(webhookEvents...), required: true},
		{id: 4, key: "$fields", name: "Watched fields", typ: "text", config: multiline},
		{id: 5, key: "$url", name: "Address", typ: "text", config: multiline, required: true, check: webAddress},
		{id: 6, key: "$initiator", name: "Initiators", typ: "object", config: linkTo(true, Employees)},
		{id: 7, key: "$secret", name: "Secret", typ: "text", secret: true},
		{id: 8, key: "$sequenceId", name: "Number of the last event", typ: "number", apiOnly: true},
		{id: 9, key: "$retry", name: "Attempts", typ: "dropdown", config: single("$once", "One", "$standard", "Several")},
		{id: 10, key: "$signing", name: "Signing secrets", typ: "text", config: multiline, secret: true},
		{id: 11, key: "$state", name: "State", typ: "dropdown", config: single("$active", "Active", "$paused", "Paused"), apiOnly: true},
	}},
	{num: 6, section: 1, key: "$scripts", name: "Scenarios", icon: "code-1", fields: []systemField{
		{id: 1, key: "$name", name: "Name", typ: "text", required: true},
		{id: 2, key: "$description", name: "Description", typ: "text", config: multiline},
		{id: 3, key: "$file", name: "File", typ: "file", config: Config{Extra: json.RawMessage(`{"mimeType":"application/bpmn+xml"}`)}},
		{id: 4, key: "$source", name: "Source", typ: "text", config: multiline, check: sourceSize},
	}},
	{num: 7, section: 1, key: "$events", name: "Events", icon: "flash-1", fields: []systemField{
		{id: 1, key: "$name", name: "Name", typ: "text", required: true},
		{id: 2, key: "$description", name: "Description", typ: "text", config: multiline},
		{id: 4, key: "$catalog", name: "Catalog", typ: "object", config: linkTo(false, 1), required: true},
		{id: 5, key: "$events", name: "Events", typ: "dropdown", config: several(scenarioEvents...)},
		{id: 6, key: "$fields", name: "Watched fields", typ: "text", config: multiline},
		{id: 8, key: "$script", name: "Scenario", typ: "object", config: linkTo(false, 6)},
		{id: 9, key: "$status", name: "Status", typ: "dropdown", config: onOff},
		{id: 10, key: eventScheduleKey, name: "Schedule", typ: "text"},
		{id: 11, key: eventZoneKey, name: "Time zone", typ: "text"},
		{id: 12, key: eventNextKey, name: "Next run", typ: "date", config: instant, apiOnly: true, kept: true},
	}},
	{num: 8, section: 1, key: "$processes", name: "Processes", icon: "gear-1", silent: true, fields: []systemField{
		{id: 1, key: "$started", name: "Started", typ: "date", config: instant},
		{id: 2, key: "$script", name: "Scenario", typ: "object", config: linkTo(false, 6)},
		{id: 3, key: "$mode", name: "Mode", typ: "radiobutton", config: Config{Items: options("async", "Asynchronous", "sync", "Synchronous")}},
		{id: 4, key: "$code", name: "Run", typ: "text"},
		{id: 5, key: "$event", name: "Event", typ: "object", config: linkTo(false, 7, 10)},
		{id: 6, key: "$params", name: "Parameters", typ: "text", config: multiline},
		{id: 7, key: "$initiator", name: "Initiator", typ: "object", config: linkTo(false, Employees)},
		{id: 8, key: "$status", name: "Status", typ: "dropdown", config: Config{Items: options("$running", "Running", "$done", "Done", "$error", "Error", "$aborted", "Aborted")}},
		{id: 9, key: "$finished", name: "Finished", typ: "date", config: instant},
		{id: 10, key: "$result", name: "Result", typ: "text", config: multiline},
		{id: 11, key: "$duration", name: "Duration", typ: "number", config: Config{Unit: "s"}},
	}},
	{num: 9, section: 1, key: "$authServices", name: "Services", icon: "key-1", fields: []systemField{
		{id: 1, key: "$name", name: "Service", typ: "text"},
		{id: 2, key: "$codes", name: "Access keys", typ: "text", config: multiline, secret: true},
	}},
	{num: 10, section: 1, key: "$webRequests", name: "Web requests", icon: "globe-1", fields: []systemField{
		{id: 1, key: "$status", name: "Status", typ: "dropdown", config: onOff},
		{id: 2, key: "$name", name: "Name", typ: "text", required: true},
		{id: 3, key: "$description", name: "Description", typ: "text", config: multiline},
		{id: 4, key: "$url", name: "Address", typ: "text", required: true, unique: true, check: webRequestCode},
		{id: 5, key: "$script", name: "Scenario", typ: "object", config: linkTo(false, 6)},
	}},
	{num: 11, section: 1, key: "$boards", name: "Boards", icon: "board-1", mirror: true, fields: mirrorFields(
		systemField{id: 2, key: boardCatalogKey, name: "Catalog", typ: "object", config: linkTo(false, catalogsMirror)},
		systemField{id: 3, key: boardViewKey, name: "View", typ: "object", config: linkTo(false, viewsMirror)},
	)},
	{num: 12, section: 1, key: "$widgets", name: "Widgets", icon: "chart-1", mirror: true, fields: mirrorFields(
		systemField{id: 2, key: widgetBoardKey, name: "Board", typ: "object", config: linkTo(false, boardsMirror)},
	)},
	{num: 13, section: 1, key: "$messages", name: "Messages", icon: "chat-1", mirror: true, fields: mirrorFields(
		systemField{id: 2, key: messageCatalogKey, name: "Catalog", typ: "object", config: linkTo(false, catalogsMirror)},
		systemField{id: 3, key: messageRecordKey, name: "Record", typ: "text"},
		systemField{id: 4, key: messageAuthorKey, name: "Author", typ: "object", config: linkTo(false, Employees)},
	)},
	{num: 14, section: 1, key: "$rightFields", name: "Field rights", icon: "lock-1", mirror: true, fields: mirrorFields(
		systemField{id: 2, key: rightRuleKey, name: "Rule", typ: "object", config: linkTo(false, rightsMirror)},
		systemField{id: 3, key: rightFieldKey, name: "Field", typ: "text"},
		systemField{id: 4, key: rightPrivilegeKey, name: "Right", typ: "dropdown", config: fieldRightItems},
	)},
	{num: 15, section: 1, key: "$rights", name: "Rights", icon: "lock-2", mirror: true, fields: mirrorFields(
		systemField{id: 2, key: ruleObjectKey, name: "Object", typ: "object", config: linkTo(false, sectionsMirror, catalogsMirror, viewsMirror)},
		systemField{id: 3, key: ruleSubjectAttrKey, name: "Attribute", typ: "text"},
		systemField{id: 4, key: ruleSubjectKey, name: "Subject", typ: "object", config: linkTo(false, Employees)},
		systemField{id: 5, key: rulePrivilegesKey, name: "Privileges", typ: "dropdown", config: privilegeItems},
		systemField{id: 6, key: ruleFieldsKey, name: "Rights on fields", typ: "object", config: linkTo(true, rightFieldsMirror)},
	)},
	{num: companies, section: 2, key: "$companies", name: "Companies", icon: "building-1", fields: []systemField{
		{id: 1, key: "$name", name: "Name", typ: "text", required: true},
		{id: 2, key: databaseKey, name: "Database", typ: "text", apiOnly: true, kept: true},
		{id: 3, key: "$subdomain", name: "Subdomain", typ: "text", unique: true, check: subdomain},
		{id: 4, key: creatorKey, name: "Creator", typ: "text", apiOnly: true, kept: true},
		{id: 5, key: groupKey, name: "Group", typ: "object", config: linkTo(false, companiesGroups)},
		{id: 6, key: versionKey, name: "Version", typ: "object", config: linkTo(false, apiTags), apiOnly: true, kept: true},
		{id: 7, key: "$status", name: "Status", typ: "dropdown", config: single("$ready", "Ready", "$updating", "Updating"), apiOnly: true, kept: true},
		{id: 8, key: "$phone", name: "Phone", typ: "contact", config: Config{Kind: "phone"}},
		{id: 9, key: "$serialNumber", name: "Serial number", typ: "text"},
		{id: 10, key: logoKey, name: "Logo", typ: "file"},
		{id: 11, key: faviconKey, name: "Favicon", typ: "file"},
		{id: 12, key: backgroundKey, name: "Background", typ: "file"},
		{id: 13, key: "$domain", name: "Own domain", typ: "text"},
		{id: 14, key: lastActivityKey, name: "Last activity", typ: "date", config: instant, apiOnly: true, kept: true},
		{id: 15, key: recordsCountKey, name: "Records", typ: "number", apiOnly: true, kept: true},
	}},
	{num: Accounts, section: 2, key: "$accounts", name: "Accounts", icon: "user-1", fields: []systemField{
		{id: 1, key: nameKey, name: "Name", typ: "text"},
		{id: 2, key: emailKey, name: "E-mail or login", typ: "text", config: Config{Kind: KindMail}, required: true},
		{id: 3, key: companiesKey, name: "Companies", typ: "object", config: linkTo(true, companies), apiOnly: true, kept: true},
		{id: 4, key: lastLoginKey, name: "Last log-in", typ: "date", config: instant, apiOnly: true, kept: true},
		{id: 5, key: failedLoginsKey, name: "Failed log-ins", typ: "number", check: unlocks},
		{id: 6, key: lastActivityKey, name: "Last activity", typ: "date", config: instant, apiOnly: true, kept: true},
		{id: 7, key: requestLimitKey, name: "Request limit", typ: "number", check: wholeUpTo(maxRequestLimit)},
		{id: 8, key: limitIntervalKey, name: "Limit interval", typ: "number", config: Config{Unit: "ms"}, check: wholeUpTo(maxLimitInterval)},
		{id: 9, key: sessionsFromKey, name: "Start of new sessions", typ: "date", config: instant},
	}},
	{num: 18, section: 2, key: "$invites", name: "Invitations", icon: "mail-1", fields: []systemField{
		{id: 1, key: "$email", name: "E-mail", typ: "text", config: Config{Kind: KindMail}},
		{id: 2, key: "$companyId", name: "Company", typ: "text"},
		{id: 3, key: "$companyUserId", name: "Employee", typ: "text"},
		{id: 4, key: "$hash", name: "Token", typ: "text", secret: true},
		{id: 5, key: "$password", name: "Password", typ: "text", secret: true},
	}},
	{num: 19, section: 2, key: "$appTags", name: "Application versions", icon: "tag-1", fields: versionFields()},
	{num: apiTags, section: 2, key: "$apiTags", name: "Server versions", icon: "tag-2", fields: []systemField{
		{id: 1, key: versionKey, name: "Version", typ: "text", unique: true},
		{id: 2, key: "$appTag", name: "Client version", typ: "object", config: linkTo(false, 19)},
		{id: 3, key: "$comment", name: "Comment", typ: "text", config: multiline},
	}},
	{num: companiesGroups, section: 2, key: "$companiesGroups", name: "Groups of companies", icon: "building-2", fields: []systemField{
		{id: 1, key: "$name", name: "Name", typ: "text", required: true},
		{id: 2, key: "$version", name: "Version", typ: "object", config: linkTo(false, apiTags)},
		{id: 3, key: "$updateStart", name: "Update started", typ: "date", config: instant},
		{id: 4, key: "$updateEnd", name: "Update finished", typ: "date", config: instant},
		{id: 5, key: defaultKey, name: "Default", typ: "switch"},
	}},
	{num: 22, section: 2, key: "$emailTemplates", name: "E-mail templates", icon: "mail-2", fields: []systemField{
		{id: 1, key: "$name", name: "Name", typ: "text", required: true},
		{id: 2, key: "$template", name: "Template", typ: "text", config: multiline},
		{id: 3, key: "$subject", name: "Subject", typ: "text"},
		{id: 4, key: "$from", name: "From", typ: "text"},
		{id: 5, key: "$templateCode", name: "Code", typ: "text"},
	}},
	{num: extensions, section: 2, key: "$extensions", name: "Extensions", icon: "puzzle-1", fields: []systemField{
		{id: 1, key: extensionTitleKey, name: "Title", typ: "text", required: true},
		{id: 2, key: extensionCodeKey, name: "Code", typ: "text", unique: true, check: extensionCode},
		{id: 3, key: extensionIconKey, name: "Icon", typ: "text", config: multiline},
		{id: 4, key: extensionJSKey, name: "Scripts", typ: "text", config: multiline},
		{id: 5, key: extensionCSSKey, name: "Styles", typ: "text", config: multiline},
	}},
	{num: requests, section: 2, key: "$requests", name: "Requests", icon: "chart-2", silent: true, fields: []systemField{
		{id: 1, key: requestsStartKey, name: "Interval start", typ: "date", config: instant},
		{id: 2, key: requestsCompanyKey, name: "Company", typ: "object", config: linkTo(false, companies)},
		{id: 3, key: requestsCountKey, name: "Requests", typ: "number"},
		{id: 4, key: requestsTotalKey, name: "Total time", typ: "number", config: Config{Unit: "s"}},
		{id: 5, key: requestsAverageKey, name: "Average time", typ: "number", config: Config{Unit: "ms"}},
	}},
	{num: oauthProviders, section: 2, key: "$oauthProviders", name: "Sign-in providers", icon: "key-2", fields: []systemField{
		{id: 1, key: "$label", name: "Label", typ: "text"},
		{id: 2, key: "$enabled", name: "Enabled", typ: "switch"},
		{id: 3, key: "$type", name: "Kind", typ: "dropdown", config: Config{Items: options("google", "Google", "yandex", "Yandex", "mailru", "Mail.ru", "vk", "VK", "keycloak", "Keycloak", "oauth", "OAuth 2.0")}},
		{id: 4, key: "$clientId", name: "Client id", typ: "text", config: multiline},
		{id: 5, key: "$clientSecret", name: "Client secret", typ: "text", secret: true},
		{id: 6, key: "$position", name: "Position", typ: "number"},
		{id: 7, key: "$companies", name: "Companies", typ: "object", config: linkTo(true, companies)},
		{id: 8, key: "$icon", name: "Icon", typ: "text", config: multiline},
		{id: 9, key: "$authorizationEndpoint", name: "Authorization endpoint", typ: "text", config: multiline},
		{id: 10, key: "$tokenEndpoint", name: "Token endpoint", typ: "text", config: multiline},
		{id: 11, key: "$userinfoEndpoint", name: "User info endpoint", typ: "text", config: multiline},
		{id: 12, key: "$userLoginKey", name: "Login key", typ: "text"},
		{id: 13, key: "$userNameKey", name: "Name key", typ: "text"},
		{id: 14, key: "$scope", name: "Scope", typ: "text"},
		{id: 15, key: "$params", name: "Parameters", typ: "text", config: multiline},
	}},
}

// mirrorFields are the fields of a catalog that shows other objects as records,
// with those that only it has.
func mirrorFields(more ...systemField) []systemField {
	fields := append([]systemField{{id: 1, key: nameKey, name: "Name", typ: "text"}}, more...)
	for i := range fields {
		fields[i].apiOnly = true
	}
	return fields
}

func versionFields() []systemField {
	return []systemField{
		{id: 1, key: versionKey, name: "Version", typ: "text", unique: true},
		{id: 2, key: "$comment", name: "Comment", typ: "text", config: multiline},
	}
}
