package apisync

import (
	"net/http"
	"slices"
	"strings"
)

func parameter(in, name string, schema object, description string) object {
	p := object{"in": in, "name": name, "schema": schema}
	if description != "" {
		p["description"] = description
	}
	return p
}

// sharedParameters are those that operations of all endpoints have.
func sharedParameters() object {
	text := object{"type": "string"}
	id := parameter("path", "id", text, "What the endpoint calls a record by: its id, or its identifier.")
	id["required"] = true
	return object{
		"id":              id,
		"request_id":      parameter("header", "X-Request-ID", object{"type": "string", "maxLength": 128}, "Names the request; a POST of the same name and body is carried out once."),
		"api_version":     parameter("header", "X-API-Version", object{"type": "string", "enum": []string{"1", "1.0", "v1"}}, ""),
		"idempotency_key": parameter("header", "Idempotency-Key", object{"type": "string", "minLength": 1, "maxLength": 255}, "The same request is carried out once."),
		"if_match":        parameter("header", "If-Match", text, "The ETag that the record must have."),
		"if_none_match":   parameter("header", "If-None-Match", text, "The ETag that is known: 304 when the record still has it."),
		"dry_run":         parameter("query", "dry_run", object{"type": "boolean"}, "Only tells what would be done."),
		"atomic":          parameter("query", "atomic", object{"type": "boolean"}, "Writes all items of a list, or none."),
	}
}

func shared(names ...string) (list []any) {
	for _, name := range names {
		list = append(list, object{"$ref": "#/components/parameters/" + name})
	}
	return list
}

// parameters are those of an operation.
func (d *openAPI) parameters(c *Compiled, o operation) []any {
	list := shared("request_id", "api_version")
	for _, name := range c.required() {
		if !slices.Contains([]string{"accept", "authorization", "content-type"}, strings.ToLower(name)) {
			p := parameter("header", name, object{"type": "string"}, "A fixed value, agreed upon.")
			p["required"] = true
			list = append(list, p)
		}
	}
	if o.one {
		list = append(list, shared("id")...)
	}
	switch o.method {
	case http.MethodGet:
		if o.one {
			return append(list, shared("if_none_match")...)
		}
		return append(list, d.listParameters(c)...)
	case http.MethodPut, http.MethodDelete:
		if o.one {
			list = append(list, shared("if_match")...)
		}
	}
	list = append(list, shared("idempotency_key")...)
	if !o.one {
		list = append(list, shared("atomic")...)
	}
	if c.AllowDryRun {
		list = append(list, shared("dry_run")...)
	}
	if o.kind == "remove" {
		list = append(list, d.removeParameters(c)...)
	}
	return list
}

// listParameters are those of a list: the reserved names, then the keys that filter.
func (d *openAPI) listParameters(c *Compiled) []any {
	text, flag := object{"type": "string"}, object{"type": "boolean"}
	list := []any{
		parameter("query", "limit", object{"type": "integer", "minimum": 0, "default": c.DefaultLimit}, "At most this many records; larger numbers are lowered to the endpoint's bound, 0 only counts."),
		parameter("query", "offset", object{"type": "integer", "minimum": 0, "default": 0}, ""),
		parameter("query", "domain", text, `Criteria as Odoo writes them, as in [["name","ilike","oak"]].`),
		parameter("query", "order", text, "As in: name desc"),
		parameter("query", "fields", text, "The keys to show, separated by commas."),
		parameter("query", "search", text, "A part of the text."),
		parameter("query", "count", object{"type": "boolean", "default": true}, "false leaves the total out."),
		parameter("query", "updated_since", object{"type": "string", "format": "date-time"}, "What changed at that time or later."),
		parameter("query", "include_deleted", flag, "With updated_since: removed records as well."),
		parameter("query", "include_archived", flag, "Records that are not active as well."),
	}
	seen := map[string]bool{}
	for _, l := range c.mapping().lines {
		key := l.ExternalKey
		if _, taken := reserved[key]; key == "" || taken || seen[key] || !l.CompiledLine.asked() || l.why.Format != "" {
			continue
		}
		seen[key] = true
		list = append(list, parameter("query", key, filterSchema(l), "Compares "+key+"; other comparisons: "+key+"[ne], [gt], [gte], [lt], [lte], [in], [nin], [like], [ilike], [starts], [ends], [between], [null]."))
	}
	return list
}

// filterSchema is what a key is compared with.
func filterSchema(l *mapLine) object {
	f := l.Field()
	switch {
	case l.values != nil:
		return l.values.schema()
	case f == nil || l.System != "":
		return systemSchema(l)
	case f.HoldsLinks(), f.Storage().HasRefs(), f.Storage().HasItems():
		return object{"type": "string"}
	}
	return l.scalar(f)
}

func (d *openAPI) removeParameters(c *Compiled) (list []any) {
	if c.Line("id") == nil {
		list = append(list, parameter("query", "id", object{"type": "string"}, "Ids, separated by commas."))
	}
	if l := c.mapping().identifier; l != nil && l.ExternalKey != "" && l.ExternalKey != "id" {
		list = append(list, parameter("query", l.ExternalKey, object{"type": "string"}, "The identifier of a record."))
	}
	return list
}
