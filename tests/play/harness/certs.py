"""Certificates made by the openssl command: an authority, servers, clients."""
import pathlib
import ssl
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Authority:
    def __init__(self, folder, name="Play CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = self.folder / "ca.key"
        self.certificate = self.folder / "ca.pem"
        self.serial = 1
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(self.key))
        openssl("req", "-x509", "-new", "-key", str(self.key), "-days", "30", "-subj", "/CN=" + name,
                "-addext", "basicConstraints=critical,CA:TRUE", "-out", str(self.certificate))

    def issue(self, name, names=("DNS:localhost", "IP:127.0.0.1"), days=30, file=None):
        """(certificate file, key file) of a leaf for the alternative names given."""
        self.serial += 1
        base = self.folder / (file or name)
        key, request, out = (base.with_name(base.name + end) for end in (".key", ".csr", ".pem"))
        extensions = base.with_name(base.name + ".ext")
        extensions.write_text("subjectAltName=%s\nbasicConstraints=CA:FALSE\n" % ",".join(names))
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
        openssl("req", "-new", "-key", str(key), "-subj", "/CN=" + name, "-out", str(request))
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey",
                str(self.key), "-set_serial", str(self.serial), "-days", str(days), "-extfile",
                str(extensions), "-out", str(out))
        return str(out), str(key)

    def server_context(self, certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def client_context(self, certificate=None, key=None):
        context = ssl.create_default_context(cafile=str(self.certificate))
        if certificate:
            context.load_cert_chain(certificate, key)
        return context
