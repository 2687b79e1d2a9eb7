// Package script runs the users' Python in CPython behind walls.
//
// An Engine starts one interpreter at the first script, the parent. It loads
// everything, gives up files and network, and forks a child for each company and
// version of a configuration; a child is reused for 500 runs, with fresh names each
// run, and never serves another company.
//
//	Engine --start--> parent (namespaces, Landlock) --fork--> child (seccomp, rlimits)
//	   |                                                        |
//	   +----- a socket: request, calls and answers, results ----+
//
//	           acquire            run                 results
//	(none) ------------> starting -----> running ----------------> idle -+
//	                                        |  a limit, garbage, end     | 500 runs, 60 s idle,
//	                                        +-----> killed <-------------+ place wanted
//
// The boundary is the allow-list of system calls that a child sets on itself before
// it reads a request (see allowed). What the Python side refuses (imports, names with
// two underscores) is for clear errors only: a script that gets around it owns its
// child and nothing else. So nothing that a child sends is believed: frames have a
// greatest size, depth and number of values, calls are counted and bounded here, what is
// kept of a request is bounded, processor time is read from the kernel, and a child that
// breaks a rule is killed.
//
// Whatever a script does beyond computing is a call of Host, which the caller gives
// for each request: it decides what may be seen and changed. The package knows no
// catalog, no rights, no HTTP.
//
// Calls of Host, by method, with their arguments and answer:
//
//	fields        {model}                              {fields: {name: {type, relation, string, required, readonly}},
//	                                                    names: {other name: name}, methods: [name],
//	                                                    model: what env[model] is called, if not the same}
//	search        {model, domain, offset, limit, order} [id]
//	search_count  {model, domain, limit}               number
//	name_search   {model, name, domain, operator, limit} [[id, name]]
//	exists        {model, ids}                         [id]
//	read          {model, ids, fields}                 [{id, name: value}]; fields null = all
//	create        {model, values: [{}]}                [id]
//	write         {model, ids, values}                 true
//	unlink        {model, ids}                         true
//	copy          {model, ids, values}                 [id]
//	message_post  {model, ids, body, options}          anything
//	call          {model, ids, method, args, kwargs}   anything: the model's own methods, named by fields
//	ref           {code}                               Ref or null
//	user, company {}                                   Ref
//	http          {method, url, headers, body, timeout} {status, headers, body, url, reason}; bodies in base64
//
// Calls about a model may carry {context}. A Ref in an answer becomes records. Types
// are Odoo's; dates are "2006-01-02", times RFC 3339 in UTC.
package script
