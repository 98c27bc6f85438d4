package dingtalk

// nothing is how an empty component reads.
const nothing = "null"

// DecodeForm reads the values of an instance's form by label, in the forms that EncodeForm takes: contacts as userids, departments as
// ids, the rows of tables by the labels of their cells, numbers as texts. A range has a value under each of its labels. A leave
// (DDHolidayField) is besides a map with start, end, duration, unit and leave_type under its own name. nil: empty. What has a shape
// that is not known stays the text that came; no document shows how values read back, the shapes are those that were observed.
func DecodeForm(values []FormValue) map[string]any {
	form := make(map[string]any, len(values))
	set := func(label string, v any) {
		if _, taken := form[label]; !taken || v != nil {
			form[label] = v
		}
	}
	for _, v := range values {
		v.decode(set)
	}
	return form
}

// decode tells the value under each of its labels.
func (v FormValue) decode(set func(label string, value any)) {
	if v.Type == "TextNote" {
		return
	}
	labels := labelList(v.Name)
	if v.Type == "DDHolidayField" && v.decodeLeave(labels, set) {
		return
	}
	if len(labels) == 0 {
		set(v.Name, v.read())
		return
	}
	parts, ok := jsonText(v.Value).([]any)
	switch {
	case v.empty():
		for _, label := range labels {
			set(label, nil)
		}
	case ok && v.Type == "TimeAndLocationField" && len(parts) == 5 && len(labels) == 2:
		set(labels[0], scalarOrNil(parts[0]))
		set(labels[1], parts[1:])
	case ok && len(parts) >= len(labels):
		for i, label := range labels {
			set(label, scalarOrNil(parts[i]))
		}
	default:
		set(v.Name, v.Value)
	}
}

func (v FormValue) empty() bool { return v.Value == "" || v.Value == nothing }

// scalarOrNil is a text, a number's too; nil when it is empty.
func scalarOrNil(v any) any {
	if s := text(v); s != "" {
		return s
	}
	return nil
}

// read is the value of a component that has one label.
func (v FormValue) read() any {
	if v.empty() {
		return nil
	}
	reader := readers[v.Type]
	if v.Type == "TableField" { // whose cells have readers themselves
		reader = readTable
	}
	if reader != nil {
		if value, known := reader(v); known {
			return value
		}
	}
	return v.Value
}

// readers read the types whose value is not the text itself; false: the shape is not known.
var readers = map[string]func(FormValue) (any, bool){
	"TextareaField":      func(v FormValue) (any, bool) { return lines(v.Value), true },
	"DDMultiSelectField": readTexts,
	"DDPhotoField":       readTexts,
	"RelateField":        readTexts,
	"InnerContactField":  func(v FormValue) (any, bool) { return readIDs(v.ExtValue, "emplId") },
	"DepartmentField":    func(v FormValue) (any, bool) { return readIDs(v.ExtValue, "id") },
	"DDAttachment":       readFiles,
	"TimeAndLocationField": func(v FormValue) (any, bool) {
		parts, ok := jsonText(v.Value).([]any)
		return parts, ok
	},
}

// readTexts reads a JSON text of a list of texts.
func readTexts(v FormValue) (any, bool) {
	found, ok := jsonText(v.Value).([]any)
	if !ok {
		return nil, false
	}
	out := make([]any, len(found))
	for i, x := range found {
		s := text(x)
		if _, nested := x.(map[string]any); nested || s == "" {
			return nil, false
		}
		out[i] = s
	}
	return out, true
}

// readIDs reads the ids out of an extValue; the value beside it holds names.
func readIDs(ext, key string) (any, bool) {
	found, ok := jsonText(ext).([]any)
	if !ok || len(found) == 0 {
		return nil, false
	}
	out := make([]any, len(found))
	for i, x := range found {
		m, _ := x.(map[string]any)
		id := Object(m).Text(key)
		if id == "" {
			return nil, false
		}
		out[i] = id
	}
	return out, true
}

func readFiles(v FormValue) (any, bool) {
	found, ok := jsonText(v.Value).([]any)
	if !ok {
		return nil, false
	}
	for i, x := range found {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, false
		}
		for _, name := range fileFields {
			if s := Object(m).Text(name); s != "" {
				m[name] = s // the size comes as a number
			}
		}
		found[i] = m
	}
	return found, true
}

// readTable reads rows of the shape {rowValue: [{key, label, value, extendValue, componentType}]}, also without the type, and of the
// shape in which they are sent. A table that nobody touched shows the schema of its children: it has no rows.
func readTable(v FormValue) (any, bool) {
	found, ok := jsonText(v.Value).([]any)
	if !ok {
		return nil, false
	}
	rows := []any{}
	for _, x := range found {
		cells, isRow := x.([]any)
		if m, ok := x.(map[string]any); ok {
			if m["componentName"] != nil && m["props"] != nil {
				continue
			}
			cells, isRow = m["rowValue"].([]any)
		}
		if !isRow {
			return nil, false
		}
		row := map[string]any{}
		set := func(label string, value any) { row[label] = value }
		for _, cell := range cells {
			m, ok := cell.(map[string]any)
			if !ok {
				return nil, false
			}
			cellValue(m).decode(set)
		}
		rows = append(rows, row)
	}
	return rows, true
}

// cellValue is a table's cell as a value of its own.
func cellValue(cell Object) FormValue {
	return FormValue{
		Name: or(cell.Text("label"), or(cell.Text("name"), or(cell.Text("key"), cell.Text("id")))),
		Type: cell.Text("componentType"), Value: cell.Text("value"), ExtValue: or(cell.Text("extendValue"), cell.Text("extValue")),
	}
}

// The labels of a leave, where its name does not say others (假勤套件).
const (
	leaveStart    = "开始时间"
	leaveEnd      = "结束时间"
	leaveDuration = "时长"
	leaveType     = "请假类型"
)

// decodeLeave reads [start, end, duration, unit, leave type, label of the leave type]; false: it is none.
func (v FormValue) decodeLeave(labels []string, set func(label string, value any)) bool {
	parts, ok := jsonText(v.Value).([]any)
	if !ok || len(parts) < 5 {
		return false
	}
	at := func(i int, fallback string) string {
		if i < len(labels) {
			return labels[i]
		}
		return fallback
	}
	typeLabel := at(3, leaveType)
	if len(parts) > 5 {
		typeLabel = or(text(parts[5]), typeLabel)
	}
	leave := map[string]any{}
	for i, name := range []string{"start", "end", "duration", "unit", "leave_type"} {
		leave[name] = scalarOrNil(parts[i])
	}
	set(v.Name, leave)
	set(at(0, leaveStart), leave["start"])
	set(at(1, leaveEnd), leave["end"])
	set(at(2, leaveDuration), leave["duration"])
	set(typeLabel, leave["leave_type"])
	return true
}
