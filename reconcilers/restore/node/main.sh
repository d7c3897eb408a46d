main() {
  act=$1
  shift
  need_tools
  read_arguments "$@"
  case $act in
    look) look ;;
    take) take ;;
    renew | release | receipt | fetch | put | restore_beside | policies | stop | start | restart | remove | move_aside | put_in_place | clean_paths | delete_pods | pull | purge)
      only_holder
      "$act"
      ;;
    *) fail BadArgument "unknown act $act" ;;
  esac
}
main "$@"
