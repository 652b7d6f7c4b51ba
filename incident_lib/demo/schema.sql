-- The shop's tables, rows and roles. Passwords are set by whoever runs this file, which is the demo stack or,
-- in compose.yaml, docker-init.sh. Statements end with a semicolon at the end of a line.

CREATE ROLE app LOGIN;
CREATE ROLE reporting LOGIN;
CREATE ROLE workbench LOGIN IN ROLE pg_monitor;
CREATE ROLE operator LOGIN IN ROLE pg_monitor, pg_signal_backend;
ALTER ROLE app SET statement_timeout = '20s';

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    stock integer NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    total_cents integer NOT NULL,
    discount_percent integer,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders,
    product_id bigint NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, product_id)
);

INSERT INTO products (name, price_cents, stock)
SELECT 'Product ' || number, 100 + number * 37 % 4900, 1000000
FROM generate_series(1, 200) AS number;

INSERT INTO orders (customer, status, total_cents, created_at)
SELECT 'customer-' || number % 500, 'paid', 200 + number * 53 % 9800, now() - number * interval '2 minutes'
FROM generate_series(10000, 1, -1) AS number;

INSERT INTO order_items (order_id, product_id, quantity)
SELECT number, 1 + number * 7 % 200, 1 + number % 3
FROM generate_series(1, 10000) AS number;

CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX orders_search ON orders USING gin (to_tsvector('simple', customer));
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX order_items_product_id ON order_items (product_id);

GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO workbench;
ALTER ROLE reporting SET default_transaction_read_only = on;

VACUUM (ANALYZE) products;
VACUUM (ANALYZE) orders;
VACUUM (ANALYZE) order_items;
