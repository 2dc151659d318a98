#![no_main]

cifar_train_fuzz::target!(Expression);
