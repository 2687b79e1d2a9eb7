package apisync

import (
	"net/http"
	"strconv"
	"strings"
)

// refusal is a way in which operations fail, with an example.
type refusal struct {
	status        int
	code, message string
	details       object
	kinds         string // of operations; "" for all
}

const inWrites = "create upsert update remove delete"

var refusals = []refusal{
	{400, "INVALID_JSON", "the body is not JSON", object{"line": 1, "column": 9}, inWrites},
	{400, "EMPTY_BODY", "the body is empty", nil, "create upsert update"},
	{400, "VALIDATION_ERROR", "1 field is not valid", object{"fields": []any{object{
		"key": "name", "code": "REQUIRED", "message": "a value is required", "line_id": 17, "index": 0,
	}}}, "create upsert update"},
	{400, "IDENTIFIER_MISSING", "the record identifier is missing", nil, "upsert remove"},
	{400, "INVALID_FILTER", "there is no field of this name", object{"name": "nmae"}, "list"},
	{400, "INVALID_DOMAIN", "the domain is not a list", object{"position": 0}, "list"},
	{400, "UNSUPPORTED_API_VERSION", "there is no such version of the API", object{"supported": []string{"1.0"}}, ""},
	{401, "AUTH_REQUIRED", "a credential is needed", nil, ""},
	{401, "AUTH_INVALID", "the credential is not valid", nil, ""},
	{403, "FORBIDDEN", "the credential does not open this method", nil, ""},
	{403, "IP_NOT_ALLOWED", "requests from this address are not accepted", nil, ""},
	{404, "ENDPOINT_NOT_FOUND", "there is no active endpoint of this name", nil, ""},
	{404, "RECORD_NOT_FOUND", "there is no such record", nil, "get update delete remove upsert"},
	{405, "METHOD_NOT_ALLOWED", "the method PATCH is not enabled here", nil, ""},
	{409, "DUPLICATE_RECORD", "another record has this identifier", object{"id": 4711}, "create upsert update"},
	{409, "IDENTIFIER_AMBIGUOUS", "several records have this identifier", nil, "upsert remove"},
	{412, "PRECONDITION_FAILED", "the record has changed since", nil, "update delete"},
	{413, "PAYLOAD_TOO_LARGE", "the body is larger than 5242880 bytes", object{"limit": 5242880}, inWrites},
	{415, "UNSUPPORTED_MEDIA_TYPE", "the body must be JSON in UTF-8 (Content-Type: application/json)", nil, inWrites},
	{422, "IDEMPOTENCY_KEY_REUSED", "the key was used with another body", nil, inWrites},
	{429, "RATE_LIMITED", "too many requests, try again later", object{"scope": "ip", "limit": 100, "window_seconds": 60}, ""},
	{500, "INTERNAL_ERROR", "internal error", object{"request_id": "0195f2c1-7c1e-7d10-9a3b-3f1f6f0e2a55"}, ""},
	{503, "UPSTREAM_BUSY", "the request took too long; try again", nil, ""},
}

func (r *refusal) of(kind string) bool {
	return r.kinds == "" || strings.Contains(" "+r.kinds+" ", " "+kind+" ")
}

// example is a refusal as it is answered.
func (r *refusal) example(bare bool) object {
	if bare {
		return object{"error": r.message, "line_id": nil, "status_code": r.code, "message": r.message}
	}
	details := r.details
	if details == nil {
		details = object{}
	}
	return object{
		"success": false, "status": "error", "code": r.status, "message": r.message,
		"error":      object{"code": r.code, "message": r.message, "details": details},
		"request_id": "0195f2c1-7c1e-7d10-9a3b-3f1f6f0e2a55",
	}
}

// answers are those of an operation by status.
func (d *openAPI) answers(c *Compiled, o operation) object {
	bare, open := c.ResponseFormat == "bare", len(c.AuthTypes) == 1 && c.AuthTypes[0] == AuthNone
	all := d.successes(c, o)
	for i := range refusals {
		r := &refusals[i]
		if !r.of(o.kind) || r.status == http.StatusUnauthorized && open {
			continue
		}
		name := o.kind + "." + strconv.Itoa(r.status)
		schema := "error"
		if bare {
			name, schema = "bare."+name, "bare_error"
		}
		if d.responses[name] == nil {
			d.responses[name] = answered(http.StatusText(r.status), object{"$ref": "#/components/schemas/" + schema})
			mediaOf(d.responses[name].(object))["examples"] = object{}
		}
		mediaOf(d.responses[name].(object))["examples"].(object)[r.code] = object{"value": r.example(bare)}
		all[strconv.Itoa(r.status)] = object{"$ref": "#/components/responses/" + name}
	}
	return all
}

func answered(description string, schema object) object {
	return object{"description": description, "content": object{"application/json": object{"schema": schema}}}
}

func mediaOf(answer object) object { return answer["content"].(object)["application/json"].(object) }

// successes are the answers of an operation that went well.
func (d *openAPI) successes(c *Compiled, o operation) object {
	record := d.shared(c.Endpoint.Endpoint+".record", func() object { return d.outgoing(c.mapping(), true) })
	if c.ResponseScript != nil {
		record = object{}
	}
	written := record
	if !c.ReturnRecord {
		written = withID(object{})
	}
	one := enveloped(c, "success", written, object{"id": idSchema(), "meta": object{"type": "object"}})
	batch := enveloped(c, "success", listOfSchema(itemSchema(written)), batchMembers())
	either := object{"anyOf": []any{one, batch}}
	created := strconv.Itoa(c.CreatedStatus)
	all := object{}
	switch o.kind {
	case "list":
		all["200"] = answered("A page of records", enveloped(c, "success", listOfSchema(record), object{"meta": listMeta()}))
	case "get":
		all["200"] = answered("The record", enveloped(c, "success", record, object{"id": idSchema(), "meta": object{"type": "object"}}))
		all["304"] = object{"description": "The record has the ETag that is known"}
	case "create":
		if c.OnDuplicate != "error" {
			all["200"] = answered("There was a record of this identifier", either)
		}
		all[created] = answered("Created", either)
	case "upsert":
		all["200"] = answered("Changed", either)
		if c.PutUpsert {
			all[created] = answered("Created, or changed", either)
		}
	case "update":
		all["200"] = answered("Changed", one)
	case "delete", "remove":
		mark := "deleted"
		if c.DeleteMode == "archive" {
			mark = "archived"
		}
		gone := withID(object{mark: object{"const": true}})
		schema := enveloped(c, "success", gone, object{"id": idSchema(), "meta": object{"type": "object"}})
		if o.kind == "remove" {
			schema = object{"anyOf": []any{schema, enveloped(c, "success", listOfSchema(itemSchema(gone)), batchMembers())}}
		}
		all["200"] = answered("Deleted", schema)
	}
	if o.kind == "create" || o.kind == "upsert" || o.kind == "remove" {
		all["207"] = answered("Some items of the list failed", enveloped(c, "partial", listOfSchema(itemSchema(written)), batchMembers()))
	}
	return all
}

func withID(members object) object {
	members["id"] = idSchema()
	return object{"type": "object", "properties": members}
}

// enveloped is the schema of an answer with that data; bare answers are the data alone.
func enveloped(c *Compiled, status string, data object, more object) object {
	if c.ResponseFormat == "bare" {
		return data
	}
	members := object{
		"success": object{"const": status == "success"}, "status": object{"const": status}, "message": object{"type": "string"}, "data": data,
	}
	for k, v := range more {
		members[k] = v
	}
	return object{"type": "object", "properties": members, "required": []string{"success", "status", "message", "data"}}
}

func itemSchema(data object) object {
	return object{"type": "object", "required": []string{"index", "success"}, "properties": object{
		"index": object{"type": "integer"}, "success": object{"type": "boolean"}, "action": object{"type": "string"},
		"id": idSchema(), "data": data, "error": errorMember(),
	}}
}

func batchMembers() object {
	counts := object{}
	for _, name := range []string{"total", "succeeded", "failed", "created", "updated", "unchanged", "deleted"} {
		counts[name] = object{"type": "integer"}
	}
	return object{
		"ids":  listOfSchema(object{"type": []string{"integer", "string", "null"}}),
		"meta": object{"type": "object", "properties": counts}, "error": errorMember(),
	}
}

func listMeta() object {
	whole, maybe := object{"type": "integer"}, object{"type": []string{"integer", "null"}}
	return object{"type": "object", "required": []string{"total", "count", "limit", "offset", "has_more", "next_offset"}, "properties": object{
		"total": maybe, "count": whole, "limit": whole, "offset": whole, "has_more": object{"type": "boolean"}, "next_offset": maybe,
	}}
}

func errorMember() object {
	text := object{"type": "string"}
	return object{"type": "object", "required": []string{"code", "message", "details"}, "properties": object{
		"code": text, "message": text, "details": object{"type": "object"},
	}}
}

func errorSchema() object {
	text := object{"type": "string"}
	return object{"type": "object", "required": []string{"success", "status", "code", "message", "error", "request_id"}, "properties": object{
		"success": object{"const": false}, "status": object{"const": "error"}, "code": object{"type": "integer"}, "message": text,
		"error": errorMember(), "request_id": text,
	}}
}

func bareErrorSchema() object {
	text := object{"type": "string"}
	return object{"type": "object", "required": []string{"error", "line_id", "status_code", "message"}, "properties": object{
		"error": text, "line_id": object{"type": []string{"integer", "null"}}, "status_code": text, "message": text,
	}}
}
