CREATE TABLE run (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	process VARCHAR NOT NULL, 
	started_at DOUBLE NOT NULL, 
	ended_at DOUBLE, 
	folder VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	greater_is_better BOOLEAN NOT NULL, 
	seed INTEGER NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	config TEXT NOT NULL, 
	task TEXT NOT NULL, 
	versions TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO run VALUES(1,'adult','running','elsewhere 12717 1795654386.23',1.79565438991608095171e+09,NULL,'/data/runs/adult','log_loss',FALSE,5,'abc','{"space": {"lr": 0.1}}','{"rows": 3}','{"automl": "0.1.0", "python": "3.11.7"}');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO schema_version VALUES(1);
CREATE TABLE trial (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	candidate_id VARCHAR NOT NULL, 
	family VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	params TEXT NOT NULL, 
	score DOUBLE PRECISION, 
	fold_scores TEXT NOT NULL, 
	reports TEXT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	failure VARCHAR, 
	ended_at DOUBLE NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (run_id, candidate_id), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO trial VALUES(1,1,'0','mlp','finished','{"family": "mlp", "lr": 0.1}',-3.33333333333333314829e-01,'[-0.25, -0.4166666666666667]','[{"progress": 1.0, "score": -0.3333333333333333, "seconds": 1.25, "extra": {"loss": 1e-300}}]',2.5,NULL,1795654389.9585);
INSERT INTO trial VALUES(2,1,'1','mlp','stopped','{"family": "mlp", "lr": 0.2}','NaN','[{"$float": "nan"}]','[]',0.0,NULL,1.79565439001054024696e+09);
INSERT INTO trial VALUES(3,1,'2','svm','failed','{"family": "svm"}',NULL,'[]','[]',0.0,'ValueError: x',1.7956543900412635803e+09);
CREATE TABLE ensemble (
	run_id INTEGER NOT NULL, 
	members TEXT NOT NULL, 
	score DOUBLE PRECISION NOT NULL, 
	PRIMARY KEY (run_id), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO ensemble VALUES(1,'[["0", 1.0]]',-0.3);
CREATE TABLE artifact (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	n_bytes INTEGER NOT NULL, 
	row_p50_ms DOUBLE, 
	row_p95_ms DOUBLE, 
	batch_p50_ms DOUBLE, 
	batch_p95_ms DOUBLE, 
	score DOUBLE PRECISION, 
	compressed_score DOUBLE PRECISION, 
	test_score DOUBLE PRECISION, 
	verified BOOLEAN NOT NULL, 
	candidates TEXT NOT NULL, 
	details TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (run_id, path), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO artifact VALUES(1,1,'out/a','ensemble',10,0.1,NULL,NULL,NULL,NULL,NULL,NULL,TRUE,'["0"]','{"opset": 20}');
CREATE INDEX ix_run_folder ON run (folder);
CREATE INDEX ix_run_name ON run (name);
