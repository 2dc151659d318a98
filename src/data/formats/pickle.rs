//! Reading Python's pickles as data: nothing in them can run.
//!
//! A pickle is a program for a stack machine, and two of its instructions call functions of the reader's choosing.
//! Here they call nothing: `GLOBAL` is a name, `REDUCE` a pair of a name and its arguments. The caller looks for
//! the one pair it knows, an array of bytes. Lists and dicts are kept in an arena and refer to their items by number,
//! so that a pickle which repeats itself a billion times takes no more memory than its bytes.

use super::cursor::Cursor;
use super::flaw::Flaw;
use std::collections::HashMap;

/// Number of a value in the arena.
pub type Id = u32;

/// A value of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// None or True.
    Constant,
    /// False.
    False,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Bytes or text: in Python 2's pickles they are one.
    Bytes(&'a [u8]),
    /// A list, a tuple or a set.
    List(Vec<Id>),
    /// A dict: keys and values.
    Dict(Vec<(Id, Id)>),
    /// The name of a function or a class.
    Name(&'a [u8], &'a [u8]),
    /// What a function or a class would have made of its arguments.
    Call {
        /// Its name.
        function: Id,
        /// Its arguments.
        arguments: Id,
        /// What its state would have been set to.
        state: Option<Id>,
    },
}

/// A pickle's values.
#[derive(Debug)]
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

/// Whether `bytes` begin as a pickle of protocol 2 or later.
pub fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}

impl<'a> Pickle<'a> {
    /// Reads the pickle in `bytes`.
    ///
    /// # Errors
    /// [`Flaw`] with the byte of the instruction that is none, or not one that describes data.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let mut machine = Machine { cursor: Cursor::new(bytes), ..Machine::default() };
        loop {
            let at = machine.cursor.at();
            let code = machine.cursor.u8("an instruction")?;
            if code == b'.' {
                let root = machine.pop(at)?;
                return Ok(Self { values: machine.values, root });
            }
            machine.step(code, at)?;
        }
    }

    /// What was pickled.
    pub fn root(&self) -> &Value<'a> {
        self.get(self.root)
    }

    /// The value of a number.
    pub fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id as usize]
    }

    /// The value at `key` of the dict that was pickled.
    pub fn entry(&self, key: &str) -> Option<&Value<'a>> {
        let Value::Dict(entries) = self.root() else { return None };
        let is_key = |id: Id| matches!(self.get(id), Value::Bytes(bytes) if *bytes == key.as_bytes());
        entries.iter().find(|(id, _)| is_key(*id)).map(|&(_, value)| self.get(value))
    }

    /// The items of a list.
    pub fn items(&self, list: &Value<'a>) -> Option<impl Iterator<Item = &Value<'a>>> {
        let Value::List(items) = list else { return None };
        Some(items.iter().map(|&id| self.get(id)))
    }

    /// The extents and bytes of a NumPy array of bytes in C order.
    pub fn byte_array(&self, value: &Value<'a>) -> Option<(Vec<usize>, &'a [u8])> {
        let Value::Call { function, arguments, state } = value else { return None };
        let Value::Name(_, function) = self.get(*function) else { return None };
        let parts = |id: Id| -> Option<Vec<&Value<'a>>> { Some(self.items(self.get(id))?.collect()) };
        // _reconstruct(...) with the state (version, shape, dtype, Fortran order, bytes); of protocol 5
        // _frombuffer(bytes, dtype, shape, order).
        let (shape, dtype, order, data) = match (*function, state) {
            (b"_reconstruct", Some(state)) => match parts(*state)?[..] {
                [_, shape, dtype, order, data] => (shape, dtype, order, data),
                _ => return None,
            },
            (b"_frombuffer", _) => match parts(*arguments)?[..] {
                [data, dtype, shape, order] => (shape, dtype, order, data),
                _ => return None,
            },
            _ => return None,
        };
        let extent = |value: &Value<'_>| match value {
            Value::Integer(extent) => usize::try_from(*extent).ok(),
            _ => None,
        };
        let extents = self.items(shape)?.map(extent).collect::<Option<Vec<usize>>>()?;
        let Value::Call { arguments, .. } = dtype else { return None };
        let is_u1 = matches!(self.items(self.get(*arguments))?.next(), Some(Value::Bytes(b"u1" | b"|u1")));
        let is_c = matches!(order, Value::False | Value::Integer(0) | Value::Bytes(b"C"));
        let size = extents.iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent))?;
        match data {
            Value::Bytes(bytes) if is_u1 && is_c && bytes.len() == size => Some((extents, bytes)),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    cursor: Cursor<'a>,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at which marks were set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, code: u8, at: usize) -> Result<(), Flaw> {
        match code {
            // PROTO, FRAME
            0x80 => drop(self.cursor.u8("a version")?),
            0x95 => drop(self.cursor.u64_le("a frame's length")?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop(at)?),
            b'N' | 0x88 => self.push(Value::Constant),
            0x89 => self.push(Value::False),
            b'K' => self.integer(|cursor| cursor.u8("a number").map(i64::from))?,
            b'M' => self.integer(|cursor| cursor.u16_le("a number").map(i64::from))?,
            b'J' => {
                self.integer(|cursor| cursor.array("a number").map(|b| i64::from(i32::from_le_bytes(b))))?;
            }
            0x8a => self.long()?,
            b'G' => {
                let value = f64::from_be_bytes(self.cursor.array("a number")?);
                self.push(Value::Float(value));
            }
            // Strings of Python 2, bytes and text, by the size of their lengths
            b'U' | b'C' | 0x8c => self.bytes(|cursor| cursor.u8("a length").map(usize::from))?,
            b'T' | b'B' | b'X' => {
                self.bytes(|cursor| cursor.u32_le("a length").map(|length| length as usize))?;
            }
            0x8d | 0x8e | 0x96 => {
                self.bytes(|cursor| cursor.u64_le("a length").map(|length| length as usize))?;
            }
            b']' | b')' | 0x8f => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b't' | b'l' | 0x91 => {
                let items = self.since_mark(at)?;
                self.push(Value::List(items));
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let items = self.stack.len().checked_sub(count).map(|height| self.stack.split_off(height));
                let items = items.ok_or_else(|| empty(at))?;
                self.push(Value::List(items));
            }
            b'a' => {
                let item = self.pop(at)?;
                self.extend(vec![item], at)?;
            }
            b'e' | 0x90 => {
                let items = self.since_mark(at)?;
                self.extend(items, at)?;
            }
            b's' => {
                let (value, key) = (self.pop(at)?, self.pop(at)?);
                self.insert(&[key, value], at)?;
            }
            b'u' => {
                let items = self.since_mark(at)?;
                self.insert(&items, at)?;
            }
            b'q' | b'r' | 0x94 => self.memorise(code, at)?,
            b'h' | b'j' => {
                let place = if code == b'h' {
                    self.cursor.u8("a place")?.into()
                } else {
                    self.cursor.u32_le("a place")?
                };
                let known = self.memo.get(&place).copied();
                self.stack.push(
                    known.ok_or_else(|| Flaw::new(byte(at), "a value not seen before", "one that was"))?,
                );
            }
            _ => return self.inert(code, at),
        }
        Ok(())
    }

    /// The instructions that would find and call functions: here they are data.
    fn inert(&mut self, code: u8, at: usize) -> Result<(), Flaw> {
        match code {
            b'c' => {
                let module = self.cursor.until(b'\n', "a module's name")?;
                let name = self.cursor.until(b'\n', "a function's name")?;
                self.push(Value::Name(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop(at)?, self.pop(at)?);
                match (&self.values[module as usize], &self.values[name as usize]) {
                    (Value::Bytes(module), Value::Bytes(name)) => {
                        let name = Value::Name(module, name);
                        self.push(name);
                    }
                    _ => return Err(Flaw::new(byte(at), "a function without a name", "a name")),
                }
            }
            b'R' => {
                let (arguments, function) = (self.pop(at)?, self.pop(at)?);
                let call = self.call(function, arguments);
                self.push(call);
            }
            b'b' => {
                let (state, object) = (self.pop(at)?, self.top(at)?);
                if let Value::Call { state: own, .. } = &mut self.values[object as usize] {
                    *own = Some(state);
                }
            }
            _ => {
                let found = format!("the instruction {code:#04x}");
                return Err(Flaw::new(byte(at), found, "one that describes data")
                    .hint("only pickles of lists, dicts, texts, numbers and byte arrays are read, and nothing is run"));
            }
        }
        Ok(())
    }

    /// What a call would have come to. Python 3 writes bytes for older readers as text to be encoded: the text's own
    /// bytes are kept where it is plain ASCII.
    fn call(&self, function: Id, arguments: Id) -> Value<'a> {
        if let (Value::Name(b"_codecs", b"encode"), Value::List(list)) =
            (&self.values[function as usize], &self.values[arguments as usize])
            && let Some(Value::Bytes(text)) = list.first().map(|&id| &self.values[id as usize])
            && text.is_ascii()
        {
            return Value::Bytes(text);
        }
        Value::Call { function, arguments, state: None }
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len() as Id);
        self.values.push(value);
    }

    fn pop(&mut self, at: usize) -> Result<Id, Flaw> {
        self.stack.pop().ok_or_else(|| empty(at))
    }

    fn top(&self, at: usize) -> Result<Id, Flaw> {
        self.stack.last().copied().ok_or_else(|| empty(at))
    }

    fn since_mark(&mut self, at: usize) -> Result<Vec<Id>, Flaw> {
        let height = self.marks.pop().filter(|&height| height <= self.stack.len());
        height.map(|height| self.stack.split_off(height)).ok_or_else(|| empty(at))
    }

    fn integer(&mut self, read: impl Fn(&mut Cursor<'a>) -> Result<i64, Flaw>) -> Result<(), Flaw> {
        let value = read(&mut self.cursor)?;
        self.push(Value::Integer(value));
        Ok(())
    }

    /// LONG1: so many bytes, two's complement.
    fn long(&mut self) -> Result<(), Flaw> {
        let at = self.cursor.at();
        let length = self.cursor.u8("a length")?;
        let bytes = self.cursor.take(length.into(), "a number")?;
        if bytes.len() > 8 {
            return Err(Flaw::new(byte(at), format!("a number of {length} bytes"), "at most 8"));
        }
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut all = if negative { [0xff; 8] } else { [0; 8] };
        all[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Integer(i64::from_le_bytes(all)));
        Ok(())
    }

    fn bytes(&mut self, length: impl Fn(&mut Cursor<'a>) -> Result<usize, Flaw>) -> Result<(), Flaw> {
        let length = length(&mut self.cursor)?;
        let bytes = self.cursor.take(length, "a text")?;
        self.push(Value::Bytes(bytes));
        Ok(())
    }

    fn extend(&mut self, items: Vec<Id>, at: usize) -> Result<(), Flaw> {
        let list = self.top(at)?;
        match &mut self.values[list as usize] {
            Value::List(list) => list.extend(items),
            _ => return Err(Flaw::new(byte(at), "another value", "a list to add to")),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id], at: usize) -> Result<(), Flaw> {
        let dict = self.top(at)?;
        match &mut self.values[dict as usize] {
            Value::Dict(dict) if items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            _ => return Err(Flaw::new(byte(at), "another value", "a dict to add to")),
        }
        Ok(())
    }

    fn memorise(&mut self, code: u8, at: usize) -> Result<(), Flaw> {
        let place = match code {
            b'q' => self.cursor.u8("a place")?.into(),
            b'r' => self.cursor.u32_le("a place")?,
            _ => self.memo.len() as u32,
        };
        let top = self.top(at)?;
        self.memo.insert(place, top);
        Ok(())
    }
}

fn byte(at: usize) -> String {
    format!("byte {at}")
}

fn empty(at: usize) -> Flaw {
    Flaw::new(byte(at), "an empty stack", "the values that the instruction takes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Python 2's cPickle writes of `{"labels": [6, 9], "data": numpy.uint8([[1, 2], [3, 4]])}`, protocol 2.
    pub const SMALL: &[u8] = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x06K\x09eU\x04dataq\x04cnumpy.core.multiarray\n\
        _reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07U\x01b\x87Rq\x08(K\x01K\x02K\x02\x86cnumpy\ndtype\nq\x09\
        U\x02u1K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x01\x02\x03\x04tbu.";

    #[test]
    fn a_dict_of_labels_and_an_array() {
        let pickle = Pickle::parse(SMALL).expect("parses");
        let labels: Vec<&Value<'_>> =
            pickle.items(pickle.entry("labels").expect("labels")).expect("a list").collect();
        assert_eq!(labels, [&Value::Integer(6), &Value::Integer(9)]);
        let data = pickle.byte_array(pickle.entry("data").expect("data"));
        assert_eq!(data, Some((vec![2, 2], &[1_u8, 2, 3, 4][..])));
        assert!(pickle.entry("nothing").is_none());
    }

    /// `os.system("...")`, as every article on the danger of pickles has it, and other ways to run things.
    #[test]
    fn nothing_is_run_and_what_is_no_data_is_refused() {
        let call = b"\x80\x02cos\nsystem\nU\x09touch own\x85R.";
        assert!(matches!(Pickle::parse(call).expect("data").root(), Value::Call { state: None, .. }));
        for code in [b'i', b'o', 0x81, 0x82, b'P', b'Q', b'S', b'V', b'I', b'\xff'] {
            let flaw = Pickle::parse(&[0x80, 2, b'(', code, b'\n', b'\n', b'.']).expect_err("refused");
            assert_eq!(flaw.place, "byte 3", "{code}");
        }
    }

    #[test]
    fn a_cut_anywhere_is_a_flaw() {
        for cut in 0..SMALL.len() {
            assert!(Pickle::parse(&SMALL[..cut]).is_err(), "cut at {cut}");
        }
    }

    /// Each list holds the one before it ten times: 10^60 items, were they copied.
    #[test]
    fn a_pickle_that_repeats_itself_takes_little() {
        let mut bytes = b"\x80\x02]q\x00".to_vec();
        for level in 0..60_u8 {
            bytes.extend(b"](");
            (0..10).for_each(|_| bytes.extend([b'h', level]));
            bytes.extend([b'e', b'q', level + 1]);
        }
        bytes.push(b'.');
        let pickle = Pickle::parse(&bytes).expect("parses");
        assert_eq!(pickle.values.len(), 61);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Pickle::parse(&bytes);
        }

        #[test]
        fn one_wrong_byte_is_read_or_refused(at in 0..SMALL.len(), value: u8) {
            let mut bytes = SMALL.to_vec();
            bytes[at] = value;
            if let Ok(pickle) = Pickle::parse(&bytes)
                && let Some(data) = pickle.entry("data")
            {
                let _ = pickle.byte_array(data);
            }
        }
    }
}
