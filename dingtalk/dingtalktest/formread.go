package dingtalktest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// nullText is how an empty text reads.
const nullText = "null"

// readForm is the form as the details show it, which differs from what was sent. An empty Value or ExtValue is a key that is
// missing. No document gives these shapes; they are what existing programs met.
func (s *Server) readForm(in *instance) []FormValue {
	out := make([]FormValue, 0, len(in.form))
	for i := range in.form {
		c := &in.form[i]
		if c.Type == "TextNote" {
			continue
		}
		shown := FormValue{ID: c.ID, Alias: c.Alias, Name: c.wireName(), Type: c.Type}
		if at := slices.IndexFunc(in.Form, func(v FormValue) bool { return v.ID == c.ID }); at >= 0 {
			shown.Value, shown.ExtValue = s.readValue(c, in.Form[at])
		} else {
			shown.Value = s.readEmpty(c)
		}
		if c.Type == "TableField" {
			shown.ExtValue = jsonText(map[string]any{"statValue": []any{}, "componentName": "TableField"})
		}
		out = append(out, shown)
	}
	return out
}

// readEmpty is the value of a component that nobody filled.
func (s *Server) readEmpty(c *Component) string {
	switch {
	case c.Type == "TableField" && !s.knobs.UntouchedTableEmpty:
		return jsonText(s.schemaItems(c.Children))
	case s.knobs.EmptyValuesAbsent:
		return ""
	case slices.Contains([]string{"TextField", "TextareaField", "DDPhotoField"}, c.Type):
		return nullText
	}
	return ""
}

// readValue is a filled value with its extValue.
func (s *Server) readValue(c *Component, v FormValue) (value, ext string) {
	switch c.Type {
	case "DDSelectField":
		return v.Value, jsonText(readOption(c, v.Value))
	case "DDMultiSelectField":
		var texts []string
		if parseJSON(v.Value, &texts) != nil {
			return v.Value, v.ExtValue
		}
		options := []any{}
		for _, text := range texts {
			options = append(options, readOption(c, text))
		}
		return v.Value, jsonText(options)
	case "InnerContactField":
		return s.readContacts(v)
	case "DepartmentField":
		return s.readDepartments(v)
	case "DDAttachment":
		return readFiles(v.Value), v.ExtValue
	case "TableField":
		return s.readTable(c, v.Value), ""
	}
	return v.Value, v.ExtValue
}

func readOption(c *Component, text string) map[string]any {
	return map[string]any{"label": text, "key": "option_" + strconv.Itoa(slices.Index(c.Options, text))}
}

func (s *Server) readContacts(v FormValue) (value, ext string) {
	var ids []string
	if parseJSON(v.Value, &ids) != nil {
		return v.Value, v.ExtValue
	}
	names, people := []string{}, []any{}
	for _, id := range ids {
		name, avatar := s.nameOf(id), ""
		if p := s.dir.users[id]; p != nil {
			avatar = p.Avatar
		}
		names = append(names, name)
		people = append(people, map[string]any{"emplId": id, "name": name, "avatar": avatar})
	}
	return strings.Join(names, ","), jsonText(people)
}

func (s *Server) readDepartments(v FormValue) (value, ext string) {
	names, units := []string{}, []any{}
	for id := range strings.SplitSeq(v.Value, ",") {
		name := id
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && s.dir.units[fromShown(n)] != nil {
			name = s.dir.units[fromShown(n)].Name
		}
		names = append(names, name)
		units = append(units, map[string]any{"id": id, "name": name})
	}
	return strings.Join(names, ","), jsonText(units)
}

// readFiles turns the sizes into numbers.
func readFiles(text string) string {
	var files []map[string]any
	if parseJSON(text, &files) != nil {
		return text
	}
	for _, file := range files {
		if size, ok := asNumber(file["fileSize"]); ok {
			file["fileSize"] = size
		}
	}
	return jsonText(files)
}

// readTable turns the rows of names and values into the rowValue shape.
func (s *Server) readTable(c *Component, text string) string {
	var rows [][]cell
	if parseJSON(text, &rows) != nil {
		return text
	}
	out := []any{}
	for i, row := range rows {
		cells := []any{}
		for j := range c.Children {
			cells = append(cells, s.readCell(c, &c.Children[j], row))
		}
		shown := map[string]any{"rowValue": cells}
		if !s.knobs.PlainTableRows {
			shown["rowNumber"] = fmt.Sprintf("%s_%s", c.ID, strings.ToUpper(strconv.FormatInt(int64(i+1)*46, 36)))
		}
		out = append(out, shown)
	}
	return jsonText(out)
}

func (s *Server) readCell(table, child *Component, row []cell) map[string]any {
	out := map[string]any{"key": child.ID, "label": child.wireName()}
	if !s.knobs.PlainTableRows {
		out["componentType"] = child.Type
	}
	for _, cell := range row {
		if table.child(cell) != child || *cell.Value == "" {
			continue
		}
		value, ext := s.readValue(child, FormValue{Value: *cell.Value})
		out["value"] = value
		var extended any
		if ext != "" && parseJSON(ext, &extended) == nil {
			out["extendValue"] = extended
		}
	}
	return out
}

// fromShown is the id of a department as approvals name it: the root is -1 there.
func fromShown(id int64) int64 {
	if id == shownRoot {
		return rootID
	}
	return id
}

// shownRoot is the root department in approvals.
const shownRoot int64 = -1
