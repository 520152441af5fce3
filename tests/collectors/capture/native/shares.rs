// As shares.c, in a module and a trait, so that names are mangled.
use std::hint::black_box;

mod shop {
    use super::black_box;

    #[inline(never)]
    pub fn spend<const ROUNDS: u64>() {
        for i in 0..ROUNDS {
            black_box(i);
        }
    }

    pub trait Priced {
        fn price(&self);
    }

    pub struct Basket;

    impl Priced for Basket {
        #[inline(never)]
        fn price(&self) {
            spend::<70000>();
            spend::<20000>();
            spend::<10000>();
            black_box(self);
        }
    }
}

fn main() {
    use shop::Priced;
    println!("ready");
    loop {
        black_box(shop::Basket).price();
    }
}
