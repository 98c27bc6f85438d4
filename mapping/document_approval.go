package mapping

import (
	"reflect"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// The keys of a mapping of approvals, beside those of every mapping.

// transitionsDoc is odoo.transitions: field, wished value, steps.
type transitionsDoc struct {
	place
	fields []transitionDoc
}

type transitionDoc struct {
	field str
	to    []wishDoc
}

type wishDoc struct {
	value str
	steps []stepDoc
}

type stepDoc struct {
	located

	From oneOrMore `yaml:"from" jsonschema:"required" jsonschema_description:"The values of the field in which the step is possible."`
	Call str       `yaml:"call,omitempty" jsonschema_description:"The method of the model; without one the field is written."`
	Args []str     `yaml:"args,omitempty" jsonschema_description:"The method's arguments behind the ids: expressions over the step, or texts with expressions in double braces."`
	Set  raw       `yaml:"set,omitempty" jsonschema:"type=object" jsonschema_description:"Fields that are written together with this one: values, or texts with expressions over the step in double braces."`
}

// personDoc is one entry of a list of people: the word followers or everyone, or a set with one key.
type personDoc struct {
	personKeys
	word string
}

type personKeys struct {
	located

	Path   str   `yaml:"path,omitempty" jsonschema_description:"A path over many2ones to an employee, a user, a partner, or a department whose manager is meant."`
	Chain  str   `yaml:"chain,omitempty" jsonschema_description:"A path to an employee whose managers are meant, upwards."`
	Levels whole `yaml:"levels,omitempty" jsonschema_description:"How many managers of the chain at most; all without it."`
	Userid str   `yaml:"userid,omitempty" jsonschema_description:"A userid of DingTalk."`
	Except str   `yaml:"except,omitempty" jsonschema_description:"A path to whom is taken out of the list again."`

	Members    str   `yaml:"members,omitempty" jsonschema_description:"Of receivers: a path to departments; everybody in or below them is meant."`
	Department whole `yaml:"department,omitempty" jsonschema_description:"Of receivers: a department of DingTalk; everybody in or below it is meant."`
}

// peopleDoc is a list of people, or one person.
type peopleDoc struct {
	place
	list []personDoc
}

// levelDoc is one level of approvers: {people, mode}, or one person.
type levelDoc struct {
	levelKeys
}

type levelKeys struct {
	located

	People peopleDoc `yaml:"people" jsonschema:"required" jsonschema_description:"The people of the level."`
	Mode   str       `yaml:"mode,omitempty" jsonschema:"enum=one_by_one,enum=all,enum=any,default=one_by_one" jsonschema_description:"Who of them must agree."`
}

// selectDoc is select: a node of the template, then its people.
type selectDoc struct {
	place
	nodes  []str
	people []peopleDoc
}

// notesDoc is notes: true, false, or a text for each occasion.
type notesDoc struct {
	notesKeys
	off bool
}

type notesKeys struct {
	located

	Start    noteDoc `yaml:"start,omitempty" jsonschema_description:"When the approval is started."`
	Task     noteDoc `yaml:"task,omitempty" jsonschema_description:"When one of the approvers has decided, or handed over."`
	Comment  noteDoc `yaml:"comment,omitempty" jsonschema_description:"When somebody comments."`
	Finish   noteDoc `yaml:"finish,omitempty" jsonschema_description:"When the approval has ended."`
	Language str     `yaml:"language,omitempty" jsonschema_description:"A path to the user or partner in whose language the bridge's own texts are; the record's author without it."`
}

// noteDoc is a text with expressions over the step in double braces; true for the bridge's own, false for none.
type noteDoc struct {
	text str
	off  bool
}

// oneOrMore is a text, or a list of texts.
type oneOrMore struct {
	place
	list []str
}

func (o *oneOrMore) decodeNode(f *file, n *yaml.Node) {
	o.place = at(n)
	if n.Kind != yaml.SequenceNode {
		o.list = make([]str, 1)
		o.list[0].decodeNode(f, n)
		return
	}
	f.decode(n, reflect.ValueOf(&o.list).Elem(), nil)
}

func (t *transitionsDoc) decodeNode(f *file, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.wrongType(n, "a set of fields")
		return
	}
	t.place = at(n)
	f.pairs(n, func(key, value *yaml.Node) {
		if value.Kind != yaml.MappingNode {
			f.wrongType(value, "a set of wished values")
			return
		}
		field := transitionDoc{field: str{at(key), key.Value, key}}
		f.pairs(value, func(key, value *yaml.Node) {
			wish := wishDoc{value: str{at(key), scalarText(key), key}}
			f.decode(value, reflect.ValueOf(&wish.steps).Elem(), nil)
			field.to = append(field.to, wish)
		})
		t.fields = append(t.fields, field)
	})
}

// The words that stand for people.
const (
	followersWord = "followers"
	everyoneWord  = "everyone" // of receivers
)

// personForms are the keys of which an entry of a list of people has one.
const personForms = "path, chain, userid, members, department and except"

// pathForm is what somebody writes who means a path.
var pathForm = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,100}$`)

func (p *personDoc) decodeNode(f *file, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		f.decode(n, reflect.ValueOf(&p.personKeys).Elem(), nil)
		return
	}
	if n.Value == followersWord || n.Value == everyoneWord {
		p.at, p.word = at(n), n.Value
		return
	}
	hint := suggest(n.Value, []string{followersWord, everyoneWord})
	if hint == "" && pathForm.MatchString(n.Value) {
		hint = `; did you mean {path: ` + n.Value + `}?`
	}
	f.errorf(at(n), `a person is "followers", "everyone" or a set with one of %s, not %s%s`, personForms, describe(n), hint)
}

func (p *peopleDoc) decodeNode(f *file, n *yaml.Node) {
	p.place = at(n)
	if n.Kind != yaml.SequenceNode {
		p.list = make([]personDoc, 1)
		p.list[0].decodeNode(f, n)
		return
	}
	f.decode(n, reflect.ValueOf(&p.list).Elem(), nil)
}

func (l *levelDoc) decodeNode(f *file, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i].Value; key == "people" || key == "mode" {
				f.decode(n, reflect.ValueOf(&l.levelKeys).Elem(), nil)
				return
			}
		}
	}
	l.at = at(n)
	if n.Kind == yaml.SequenceNode {
		f.errorf(at(n), "several people of one level stand in {people: […], mode: all}")
		return
	}
	l.People.decodeNode(f, n)
}

func (s *selectDoc) decodeNode(f *file, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.wrongType(n, "a set of nodes and their people")
		return
	}
	s.place = at(n)
	f.pairs(n, func(key, value *yaml.Node) {
		var people peopleDoc
		people.decodeNode(f, value)
		s.nodes = append(s.nodes, str{at(key), key.Value, key})
		s.people = append(s.people, people)
	})
}

func (d *notesDoc) decodeNode(f *file, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		f.decode(n, reflect.ValueOf(&d.notesKeys).Elem(), nil)
		return
	}
	var b boolean
	b.decodeNode(f, n)
	d.at, d.off = at(n), b.given() && !b.v
}

func (d *noteDoc) decodeNode(f *file, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		var b boolean
		b.decodeNode(f, n)
		d.off = b.given() && !b.v
		return
	}
	d.text.decodeNode(f, n)
}
