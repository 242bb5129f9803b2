drop table rates;
