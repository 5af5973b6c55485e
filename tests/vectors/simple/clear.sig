-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

{"critical":{"identity":{"docker-reference":"registry.example/team/app:1.0"},"image":{"docker-manifest-digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"type":"atomic container signature"},"optional":{"creator":"atomic 2.0.0","timestamp":1640995200}}
-----BEGIN PGP SIGNATURE-----

iIYEARYIAC4WIQQBWMTkR6PunrfhS5lKIjfzzbYZyAUCYdDrABAcZWQyNTUxOUBl
eGFtcGxlAAoJEEoiN/PNthnIn64A/16dPnr/Ppa9GaEouyoOHmWt8GjQdvfKg55b
PByNhMvHAP9D3SA7RhITK7Q+vOTfJ/VUagtsxdS9Pl2yyODu09JRAQ==
=s0EE
-----END PGP SIGNATURE-----
