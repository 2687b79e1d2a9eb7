package catalog

import (
	"net/url"
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// richText is what a rich text field keeps of its HTML: headings, lists,
// colours, tables, images, video frames, quotes and code; no script in any form.
var richText = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(false)
	p.AllowURLSchemeWithCustomPolicy("data", isPicture)
	p.AllowStyles("color", "background-color").MatchingHandler(isColour).Globally()
	p.AllowStyles("text-align").MatchingEnum("left", "right", "center", "justify").Globally()
	p.AllowStyles("width", "height").Matching(regexp.MustCompile(`^\d{1,5}(px|%)$`)).OnElements("img", "table", "td", "th", "col")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^https://[^\s"'<>]+$`)).OnElements("iframe")
	p.AllowAttrs("width", "height").Matching(bluemonday.NumberOrPercent).OnElements("iframe")
	p.AllowAttrs("allowfullscreen", "frameborder").Matching(regexp.MustCompile(`^\w*$`)).OnElements("iframe")
	p.AllowElements("s", "u", "figure", "figcaption")
	return p
})

var picture = regexp.MustCompile(`^image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$`)

// isPicture takes images in which nothing can run, unlike image/svg+xml.
func isPicture(address *url.URL) bool {
	return address.RawQuery == "" && address.Fragment == "" && picture.MatchString(address.Opaque)
}

var colour = regexp.MustCompile(`(?i)^(#[0-9a-f]{3,8}|[a-z]{3,20}|(rgb|hsl)a?\([\d\s.,%]{1,40}\))$`)

func isColour(value string) bool { return colour.MatchString(value) }

// sanitise drops from HTML what is not on the allow-list.
func sanitise(html string) string { return richText().Sanitize(html) }
