package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeAccess;

import java.io.IOException;

class UringDriverTest extends IoDriverContract {
    @Override
    IoDriver open() throws IOException {
        return UringDriver.open(
                NativeAccess.linux(), NativeAccess.linuxUring(), UringDriver.Settings.DEFAULTS);
    }
}
