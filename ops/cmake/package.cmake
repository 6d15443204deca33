# What `cmake --install` puts where (GNU paths), and the Debian package that `cpack` makes of it.
include(GNUInstallDirs)

set(manual ${CMAKE_BINARY_DIR}/msp-analytics.1)
add_custom_command(OUTPUT ${manual}.gz
  COMMAND sh -ec "\"$1\" --man >\"$2\"; gzip -9nf \"$2\"" manual $<TARGET_FILE:msp-analytics> ${manual}
  DEPENDS msp-analytics VERBATIM)
add_custom_target(manual ALL DEPENDS ${manual}.gz)

install(TARGETS msp-analytics RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS ops/backup DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME msp-analytics-backup)
install(PROGRAMS ops/restore DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME msp-analytics-restore)
install(FILES ${manual}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES db/bootstrap.sql DESTINATION ${CMAKE_INSTALL_DATADIR}/msp-analytics)
install(DIRECTORY ops/observability/ DESTINATION ${CMAKE_INSTALL_DATADIR}/msp-analytics FILES_MATCHING PATTERN "*.json" PATTERN "*.yml")
install(DIRECTORY ops/docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/msp-analytics FILES_MATCHING PATTERN "*.md")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/msp-analytics RENAME copyright)
install(FILES ops/systemd/msp-analytics.socket DESTINATION lib/systemd/system)
install(FILES ops/systemd/msp-analytics.sysusers DESTINATION lib/sysusers.d RENAME msp-analytics.conf)
# The unit and the settings go by the prefix, which is known only when it is installed.
install(CODE "set(MSP_SOURCES \"${CMAKE_SOURCE_DIR}\")\nset(MSP_BINARIES \"${CMAKE_BINARY_DIR}\")")
install(SCRIPT ops/cmake/install_unit.cmake)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME msp-analytics)
set(CPACK_PACKAGE_VENDOR "The MSP Analytics authors")
set(CPACK_PACKAGE_CONTACT "The MSP Analytics authors <msp-analytics@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Daily KPIs out of the support tickets of many tenants")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "A server for managed service providers: tickets come in over HTTP or are pulled\nfrom ticket systems, daily KPIs, CSV exports and written summaries come out, each\ncustomer behind a wall of its own in PostgreSQL.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# What the libraries do not bring: roots of trust for calls out, and the tools of the maintainer scripts.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, passwd")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql-client")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql (>= 15), redis-server")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/ops/debian/conffiles ${CMAKE_SOURCE_DIR}/ops/debian/postinst
  ${CMAKE_SOURCE_DIR}/ops/debian/prerm ${CMAKE_SOURCE_DIR}/ops/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
