package apisync

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// publicPath begins the paths of endpoints.
const publicPath = "/bj_api_sync/v1/"

// Described is an endpoint in a document, with the methods that its reader may use.
type Described struct {
	Config  *Compiled
	Methods []string

	sees func(*catalog.Field) bool // what the config's employee may read
}

// Describe names all methods of a config.
func Describe(c *Compiled) Described { return Described{Config: c, Methods: c.Methods} }

// described are endpoints with what their employees may read: options of other fields
// are not named in documents.
func (s *Service) described(ctx context.Context, endpoints []Described) ([]Described, error) {
	list := slices.DeleteFunc(slices.Clone(endpoints), func(e Described) bool { return e.Config.Catalog == nil }) // they answer 500 to all
	readers := map[query.Record]*catalog.Access{}
	for i := range list {
		c := list[i].Config
		access, known := readers[c.RunAs]
		if !known {
			sc, err := s.options.Catalog.Catalog(ctx, catalog.Actor{Employee: c.RunAs, Origin: "sync"}, c.Catalog.Key)
			switch {
			case err == nil:
				access, readers[c.RunAs] = sc.Access, sc.Access
			case !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound):
				return nil, err
			}
		}
		list[i].sees = func(f *catalog.Field) bool {
			of := c.State.Structure.Catalog(f.Catalog)
			return access != nil && of != nil && access.Catalog(of) >= catalog.AvailablePrivilege && access.Readable(f)
		}
	}
	return list, nil
}

// Endpoints are the active inbound configs, by endpoint.
func (s *State) Endpoints() (list []Described) {
	for _, name := range sortedKeys(s.endpoints) {
		list = append(list, Describe(s.endpoints[name]))
	}
	return list
}

// openAPI is an OpenAPI document under construction.
type openAPI struct {
	schemas
	paths, responses, security object
}

// OpenAPI describes endpoints as OpenAPI 3.1 does (sync-api.md §9.3); base is the scheme
// and the host that they are served at. The result is for encoding/json.
func (s *Service) OpenAPI(ctx context.Context, base string, endpoints []Described) (any, error) {
	endpoints, err := s.described(ctx, endpoints)
	if err != nil {
		return nil, err
	}
	d := &openAPI{schemas: schemas{named: object{}}, paths: object{}, responses: object{}, security: object{}}
	d.named["error"], d.named["bare_error"] = errorSchema(), bareErrorSchema()
	tags := []any{}
	for _, e := range endpoints {
		tag := object{"name": e.Config.Endpoint.Endpoint}
		if text := strings.TrimSpace(e.Config.Name + "\n\n" + e.Config.Description); text != "" {
			tag["description"] = text
		}
		tags = append(tags, tag)
		d.endpoint(e)
	}
	return object{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
		"info":              object{"title": "Synchronisation API", "version": "1.0"},
		"servers":           []any{object{"url": base}},
		"tags":              tags,
		"paths":             d.paths,
		"components": object{
			"schemas": d.named, "responses": d.responses, "securitySchemes": d.security, "parameters": sharedParameters(),
		},
	}, nil
}

// operation is one method on one path of an endpoint.
type operation struct {
	kind    string // list, get, create, upsert, update, remove, delete
	method  string
	one     bool // the path names a record
	summary string
}

var operations = []operation{
	{"list", http.MethodGet, false, "List records"},
	{"create", http.MethodPost, false, "Create a record, or several"},
	{"upsert", http.MethodPut, false, "Change or create a record by its identifier, or several"},
	{"remove", http.MethodDelete, false, "Delete records by identifier"},
	{"get", http.MethodGet, true, "Read a record"},
	{"update", http.MethodPut, true, "Change a record"},
	{"delete", http.MethodDelete, true, "Delete a record"},
}

// endpoint adds the paths of an endpoint.
func (d *openAPI) endpoint(e Described) {
	c := e.Config
	d.readAs(e)
	name := c.Endpoint.Endpoint
	security := d.secure(c)
	for _, o := range operations {
		for _, method := range e.Methods {
			if method != o.method && !(method == http.MethodPatch && o.method == http.MethodPut) {
				continue
			}
			path := publicPath + name
			if o.one {
				path += "/{id}"
			}
			if d.paths[path] == nil {
				d.paths[path] = object{}
			}
			id := name + "." + o.kind
			if method == http.MethodPatch {
				id += ".patch"
			}
			d.paths[path].(object)[strings.ToLower(method)] = object{
				"operationId": id, "tags": []string{name}, "summary": o.summary, "security": security,
				"parameters": d.parameters(c, o), "responses": d.answers(c, o),
			}
			if body := d.body(c, o); body != nil {
				d.paths[path].(object)[strings.ToLower(method)].(object)["requestBody"] = body
			}
		}
	}
}

// body is what an operation takes; nil for nothing.
func (d *openAPI) body(c *Compiled, o operation) object {
	name, p := c.Endpoint.Endpoint, c.mapping()
	var item object
	several := true
	switch o.kind {
	case "create", "upsert":
		item = d.shared(name+".create", func() object { return d.incoming(p, true) })
		if o.kind == "upsert" {
			item = d.shared(name+".change", func() object { return d.incoming(p, false) })
		}
	case "update":
		item, several = d.shared(name+".change", func() object { return d.incoming(p, false) }), false
	case "remove":
		item = object{"description": "An object with the identifier's key or an id, or an identifier alone."}
	default:
		return nil
	}
	schema := item
	if several {
		schema = object{"anyOf": []any{item, object{"type": "array", "items": item, "minItems": 1, "maxItems": c.BatchMax}}}
	}
	if at, ok := ParsePath(c.BodyPath); ok && c.BodyPath != "" && o.kind != "remove" {
		wrapped := object{}
		lay(wrapped, at.steps, schema, true)
		schema = wrapped
	}
	media := object{"schema": schema}
	if o.kind != "remove" {
		if example := exampleOf(c, o.kind == "update", d.sees); example.body.Len() > 0 {
			media["example"] = rawJSON(example.plain())
		}
	}
	return object{"required": o.kind != "remove", "content": object{"application/json": media}}
}

// secure gives the ways in of an endpoint; any one is enough.
func (d *openAPI) secure(c *Compiled) []any {
	ways := []any{}
	add := func(name string, scheme object) {
		d.security[name] = scheme
		ways = append(ways, object{name: []string{}})
	}
	for _, way := range c.AuthTypes {
		switch way {
		case AuthBasic, AuthPlatform:
			if !slices.ContainsFunc(ways, func(w any) bool { return w.(object)["basic"] != nil }) {
				add("basic", object{"type": "http", "scheme": "basic"})
			}
		case AuthBearer:
			add("bearer", object{"type": "http", "scheme": "bearer"})
		case AuthHeader:
			for _, name := range c.keyHeaders() {
				add("header."+componentName(name), object{"type": "apiKey", "in": "header", "name": name})
			}
		case AuthHMAC:
			if h := c.HMAC; h != nil {
				add("hmac."+c.Endpoint.Endpoint, object{"type": "apiKey", "in": "header", "name": h.Header, "description": h.describe()})
			}
		}
	}
	return ways
}

func (h *HMAC) describe() string {
	text := "HMAC-" + strings.ToUpper(h.Algorithm) + " of the raw body, " + h.Encoding
	if h.Prefix != "" {
		text += " after " + strconv.Quote(h.Prefix)
	}
	if h.TimestampHeader != "" {
		text += "; what is signed begins with the Unix time of the header " + h.TimestampHeader + " and a dot"
	}
	return text
}

// keyHeaders are the headers that credentials come in.
func (c *Compiled) keyHeaders() (names []string) {
	for i := range c.Credentials {
		if k := &c.Credentials[i]; k.Type == AuthHeader && k.Enabled {
			name := k.Login
			if name == "" {
				name = "X-API-Key"
			}
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
				names = append(names, name)
			}
		}
	}
	return names
}

// required are the names of the headers that requests must have besides.
func (c *Compiled) required() (names []string) {
	for i := range c.Headers {
		if h := &c.Headers[i]; h.Enabled && h.Role == "require" {
			names = append(names, h.Key)
		}
	}
	return names
}

// componentName has no characters that names of components may not have.
func componentName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (r == '.' || r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') {
			return r
		}
		return '_'
	}, s)
}
