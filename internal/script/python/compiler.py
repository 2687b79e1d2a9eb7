"""From a source text to code that can be run, and what is wrong with it."""
import ast
import textwrap

from kartoteka import library

# Refused for clear errors. It is the sandbox that protects.
FORBIDDEN_NAMES = frozenset((
    'eval', 'exec', 'open', 'compile', '__import__', 'globals', 'vars', 'input', 'breakpoint', '__builtins__', '__loader__'))
ALLOWED_ATTRIBUTES = frozenset(('__name__', '__init__'))
# Called when the source defines one of them and no expression follows.
ENTRY_POINTS = ('transform_inbound', 'transform_outbound', 'compute_auth_header')
VALUE = '__value__'


class Rejected(Exception):
    """A source that cannot be run: a list of {line, column, message}, lines and columns from 1."""

    def __init__(self, errors):
        super().__init__(errors[0]['message'])
        self.errors = errors


class Compiled:
    __slots__ = ('code', 'entry', 'has_value')


def dedented(source):
    """Removes common indentation; returns how many columns that were."""
    source = source.replace('\r\n', '\n')
    first = next((line for line in source.split('\n') if line.strip()), '')
    if first[:1] not in (' ', '\t'):
        return source, 0
    shorter = textwrap.dedent(source)
    after = next((line for line in shorter.split('\n') if line.strip()), '')
    return shorter, len(first) - len(after)


def parse(source, filename):
    """Gives the tree, the indentation that was removed, and its mistakes."""
    text, indent = dedented(source)
    try:
        tree = ast.parse(text, filename)
    except SyntaxError as error:
        raise Rejected([problem(error.lineno, (error.offset or 1) + indent, error.msg)]) from None
    except ValueError as error:
        raise Rejected([problem(1, 1, str(error))]) from None
    except (MemoryError, RecursionError):
        raise Rejected([problem(1, 1, 'the source is nested too deeply')]) from None
    return tree, indent


def problem(line, column, message):
    return {'line': line or 1, 'column': max(column or 1, 1), 'message': message}


def mistakes(tree, indent):
    errors = []
    for node in ast.walk(tree):
        text = None
        if isinstance(node, ast.Attribute) and not fine_attribute(node.attr):
            text = 'attributes with two leading underscores are not available: %s' % node.attr
        elif isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            text = '%s is not available in scripts' % node.id
        elif isinstance(node, ast.ImportFrom) and any(a.name == '*' for a in node.names):
            text = 'import * is not available: name what is wanted'
        elif isinstance(node, (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)):
            text = 'async is not available in scripts'
        if text:
            errors.append(problem(node.lineno, node.col_offset + 1 + indent, text))
    return sorted(errors, key=lambda e: (e['line'], e['column']))


def fine_attribute(name):
    return not name.startswith('__') or name in ALLOWED_ATTRIBUTES


def compiled(source, name, mode):
    """Compiles for 'evaluate' or 'execute'; raises Rejected."""
    tree, indent = parse(source, name)
    errors = mistakes(tree, indent)
    if errors:
        raise Rejected(errors)
    made = Compiled()
    made.has_value = False
    made.entry = None
    body = tree.body
    if body and isinstance(body[-1], ast.Expr):
        if mode == 'evaluate':
            last = body[-1]
            target = ast.copy_location(ast.Name(VALUE, ast.Store()), last)
            body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
            made.has_value = True
    else:
        defined = [node.name for node in body if isinstance(node, ast.FunctionDef)]
        made.entry = next((e for e in ENTRY_POINTS if e in defined), None)
    try:
        made.code = compile(tree, name, 'exec', dont_inherit=True)
    except SyntaxError as error:  # such as return outside of a function
        raise Rejected([problem(error.lineno, (error.offset or 1) + indent, error.msg)]) from None
    except (MemoryError, RecursionError):
        raise Rejected([problem(1, 1, 'the source is nested too deeply')]) from None
    return made


def checked(source, name, mode):
    """What is known of a source without running it."""
    try:
        tree, indent = parse(source, name)
    except Rejected as error:
        return {'names': [], 'imports': [], 'errors': error.errors}
    names, imports, errors = set(), set(), []
    stored = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (names if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found, wrong = imported(node)
            stored.update(a.asname or a.name.split('.')[0] for a in node.names)
            imports.update(found)
            errors += [problem(node.lineno, node.col_offset + 1 + indent, text) for text in wrong]
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            stored.add(node.name)
        elif isinstance(node, ast.arg):
            stored.add(node.arg)
    try:
        compiled(source, name, mode)
    except Rejected as error:
        errors += error.errors
    errors.sort(key=lambda e: (e['line'], e['column']))
    return {'names': sorted(names - stored - library.BUILTINS.keys()), 'imports': sorted(imports), 'errors': errors}


def imported(node):
    """The modules of an import statement, and what is wrong with them."""
    if isinstance(node, ast.Import):
        wanted = [a.name for a in node.names]
    elif node.level:
        return [], ['relative imports are not available']
    else:
        wanted = [node.module]
    wrong = [library.refusal(name) for name in wanted if not library.known(name)]
    return wanted, wrong
