package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

// Events of an older company get the fields and the option of times; numbers that own
// ones have stay with them, and events start at times like those of a new company.
func TestTimesOfAnOlderCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		restore := catalog.OlderSystem()
		older := openWorld(t, target)
		restore()
		c := older.system("$events")
		if c.FieldByKey("$schedule") != nil || len(c.FieldByKey("$events").Config.Items) != 7 {
			t.Fatal("the company is none of an older version")
		}
		config := c.FieldByKey("$events").Config
		config.Items = append(config.Items[:7:7], catalog.Item{Name: "Mine"})
		in := catalog.CatalogInput{}
		for _, f := range c.Fields {
			in.Fields = append(in.Fields, catalog.FieldInput{Num: f.Num})
			if f.Key == "$events" {
				in.Fields[len(in.Fields)-1].Config = &config
			}
		}
		in.Fields = append(in.Fields, catalog.FieldInput{Type: "text", Name: ptr("Note")})
		if _, err := older.s.UpdateCatalog(t.Context(), boss, "$events", in); err != nil {
			t.Fatal(err)
		}
		shape := func(c *catalog.Catalog) string {
			var list []string
			for _, f := range c.Fields {
				if f.ID > 8 {
					list = append(list, fmt.Sprintf("%d:%s", f.ID, f.Key))
				}
			}
			for _, item := range c.FieldByKey("$events").Config.Items[6:] {
				list = append(list, fmt.Sprintf("%d=%s", item.Num, item.Key))
			}
			return strings.Join(list, " ")
		}
		want := "9:$status 10:10 11:$schedule 12:$timezone 13:$next 7=$record.updating 8=8 9=$schedule"
		w := openWorld(t, target)
		if got := shape(w.system("$events")); got != want {
			t.Error(got)
		}
		if got := shape(openWorld(t, target).system("$events")); got != want {
			t.Errorf("opened again: %s", got)
		}
		if n := len(w.system("$webhooks").FieldByKey("$events").Config.Items); n != 7 {
			t.Errorf("webhooks have %d events", n)
		}
		scripts, c := w.system("$scripts"), w.system("$events")
		script := w.apply(catalog.Create{Catalog: scripts.Num, Values: values(scripts, "$name", catalog.Text("s"), "$source", catalog.Text("a = 1"))})[0].Record
		made := w.apply(catalog.Create{Catalog: c.Num, Values: values(c, "$name", catalog.Text("e"), "$catalog", catalog.Links{link(w.system("$catalogs"), 25)},
			"$events", catalog.Items{9}, "$script", catalog.Links{link(scripts, script)}, "$schedule", catalog.Text("every 10 minutes"))})[0].Record
		if got := text(w.row(c, made, nil), 0); !strings.Contains(got, `$schedule="every 10 minutes" $next=`) {
			t.Error(got)
		}
	})
}
