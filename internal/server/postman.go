package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/syncapi"
)

//go:embed page/postman.html
var postmanHTML string

var postmanTemplate = template.Must(template.New("postman").Parse(postmanHTML))

// postmanView is what the page shows: the same to everybody.
type postmanView struct {
	Language, Title, Text, Needs, Command, Link, Path string
	Style                                             template.CSS
}

// postmanPage says how to get the collection.
func (a *App) postmanPage(w http.ResponseWriter, r *http.Request) error {
	lang := httpkit.Language(r.Context())
	view := postmanView{
		Language: lang,
		Title:    fault.Msg("Postman collection").In(lang),
		Text:     fault.Msg("A collection for Postman that tries the endpoints which you may use.").In(lang),
		Needs:    fault.Msg("It is made for who signs in, or has a credential of an endpoint.").In(lang),
		Command:  `curl -OJ -H "Authorization: Bearer TOKEN" ` + syncapi.CollectionPath,
		Link:     fault.Msg("Download").In(lang),
		Path:     syncapi.CollectionPath,
		Style:    template.CSS(homeCSS),
	}
	var page bytes.Buffer
	if err := postmanTemplate.Execute(&page, view); err != nil {
		return fmt.Errorf("render the page of the collection: %w", err)
	}
	httpkit.PageHeaders(w.Header(), homeCSS, false)
	_, _ = w.Write(page.Bytes()) // a client that left is nobody's error
	return nil
}
