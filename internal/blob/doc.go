// Package blob keeps the contents of files: in a folder, or in a store that
// speaks S3's protocol. It also makes and checks what lets somebody in without
// a login: policies to upload one file, and links to download one.
//
// A content has a key, "1/0b2e4c1e-…/plan.pdf": the company, an identifier that
// cannot be guessed, and the file's name as far as it is safe in a path. Beside
// an image lie "preview.png" and "thumbnail.png". Contents never change: what is
// under a key is whole, and replaced only before it is confirmed.
//
// Nothing that a browser could run is ever shown by it: see Served. Images are
// decoded only after their size is known to be bearable.
//
// The package must not know what a file is attached to, who may see it, HTTP's
// routes, or SQL.
package blob
